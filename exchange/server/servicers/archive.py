"""ArchiveService: what is kept, and the check that it is whole."""

from uuid import UUID

from congvan.v1 import archive_pb2, archive_pb2_grpc
from exchange.agency import EndpointRole
from exchange.errors import PageTokenInvalid, RecordUnknown
from exchange.server.door import current_caller
from exchange.server.servicers import Context
from exchange.services import Services
from exchange.wire.reports import write_integrity, write_record
from exchange.wire.values import (
    page_size,
    read_page_token,
    resource_id,
    resource_uuid,
    write_page_token,
)
from storage.archive import PageRequest
from storage.errors import RecordMissing

_SEES_ALL = frozenset({EndpointRole.AUDITOR, EndpointRole.OPERATOR})


class ArchiveServicer(archive_pb2_grpc.ArchiveServiceServicer):
    """Exports, bundles, renewal, holds and disposal are not built yet and answer so."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def GetRecord(  # noqa: N802
        self, request: archive_pb2.GetRecordRequest, context: Context
    ) -> archive_pb2.ArchiveRecord:
        """Show one record; another endpoint's looks like an unknown one."""
        identifier = resource_uuid(request.name, "records")
        try:
            record = await self._services.archive.get(identifier)
        except RecordMissing:
            raise RecordUnknown(str(identifier)) from None
        if _visible_owner() not in (None, record.owner):
            raise RecordUnknown(str(identifier))
        return write_record(record)

    async def ListRecords(  # noqa: N802
        self, request: archive_pb2.ListRecordsRequest, context: Context
    ) -> archive_pb2.ListRecordsResponse:
        """List records, newest first: one's own, or all for auditors and operators."""
        place = read_page_token(request.page_token, lambda parts: UUID(parts[0]), parts=1)
        page = PageRequest(
            owner=_visible_owner(),
            message_id=resource_id(request.message, "messages") if request.message else None,
            size=page_size(request.page_size, most=self._services.limits.max_page_size),
            after=place,
        )
        try:
            found = await self._services.archive.list(page)
        except RecordMissing:
            raise PageTokenInvalid from None
        return archive_pb2.ListRecordsResponse(
            records=[write_record(each) for each in found.records],
            next_page_token=write_page_token(found.next_after) if found.next_after else "",
        )

    async def CheckIntegrity(  # noqa: N802
        self, request: archive_pb2.CheckIntegrityRequest, context: Context
    ) -> archive_pb2.IntegrityReport:
        """Read every object again and compare its SHA-256."""
        report = await self._services.archive.check()
        return write_integrity(report, at=self._services.clock())


def _visible_owner() -> str | None:
    caller = current_caller()
    return None if caller.roles & _SEES_ALL else caller.code
