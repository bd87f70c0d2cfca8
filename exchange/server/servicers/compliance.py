"""ComplianceService: the signature rate by a definition, and what lowers it."""

from collections.abc import Sequence

from congvan.v1 import compliance_pb2, compliance_pb2_grpc
from exchange.agency import EndpointRole
from exchange.compliance.counting import RateReport, count
from exchange.compliance.rate_definitions import RateDefinition
from exchange.errors import ArgumentInvalid
from exchange.facts import read_facts
from exchange.server.door import current_caller
from exchange.server.servicers import Context
from exchange.services import Services
from exchange.wire.compliance import read_period, write_definition, write_exception, write_rate
from exchange.wire.values import natural, page_size, read_page_token, write_page_token


class ComplianceServicer(compliance_pb2_grpc.ComplianceServiceServicer):
    """Frozen periods, timeliness and published reports are not built yet and answer so."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def ListRateDefinitions(  # noqa: N802
        self, request: compliance_pb2.ListRateDefinitionsRequest, context: Context
    ) -> compliance_pb2.ListRateDefinitionsResponse:
        """Show by which definitions the rate can be counted, the default one first."""
        return compliance_pb2.ListRateDefinitionsResponse(
            definitions=[write_definition(each) for each in self._services.definitions]
        )

    async def QuerySignatureRate(  # noqa: N802
        self, request: compliance_pb2.QuerySignatureRateRequest, context: Context
    ) -> compliance_pb2.SignatureRateReport:
        """Count the rate: auditors see everybody, an endpoint sees itself."""
        report, _ = await self._count(request)
        return write_rate(report, at=self._services.clock())

    async def ListExceptions(  # noqa: N802
        self, request: compliance_pb2.ListExceptionsRequest, context: Context
    ) -> compliance_pb2.ListExceptionsResponse:
        """List the documents that count against the rate, in the order of issue."""
        report, subjects = await self._count(request)
        start = read_page_token(request.page_token, lambda parts: natural(parts[0]), parts=1) or 0
        limit = page_size(request.page_size, most=self._services.limits.max_page_size)
        page = report.exceptions[start : start + limit]
        more = start + limit < len(report.exceptions)
        return compliance_pb2.ListExceptionsResponse(
            exceptions=[
                write_exception(each, subject=subjects[each.fact.message_id]) for each in page
            ],
            next_page_token=write_page_token(start + limit) if more else "",
        )

    async def _count(
        self,
        request: compliance_pb2.QuerySignatureRateRequest | compliance_pb2.ListExceptionsRequest,
    ) -> tuple[RateReport, dict[str, str]]:
        period = read_period(request.period)
        definition = self._definition(request.definition_id)
        async with self._services.database.transaction() as connection:
            kept = await read_facts(
                connection,
                first_day=period.first_day,
                last_day=period.last_day,
                senders=_visible_senders(request.senders),
            )
        report = count((each.fact for each in kept), definition, period=period)
        return report, {each.fact.message_id: each.subject for each in kept}

    def _definition(self, definition_id: str) -> RateDefinition:
        known = self._services.definitions
        found = (each for each in known if each.definition_id == definition_id)
        definition = next(found, None) if definition_id else known[0]
        if definition is None:
            names = ", ".join(each.definition_id for each in known)
            raise ArgumentInvalid(f"one of: {names}", field="definition_id")
        return definition


def _visible_senders(asked: Sequence[str]) -> list[str] | None:
    caller = current_caller()
    if EndpointRole.AUDITOR in caller.roles:
        return list(asked) or None
    return [caller.code]
