"""ExchangeService: drafts, submissions, mailboxes, acknowledgements, statuses, evidence."""

import asyncio
import contextlib
from uuid import UUID

from congvan.v1 import common_pb2, exchange_pb2, exchange_pb2_grpc
from exchange import deliveries as delivery_rows
from exchange import messages as message_rows
from exchange.agency import EndpointRole, parse_organ_id
from exchange.errors import ArgumentInvalid, DeliveryUnknown, EvidenceUnknown, MessageUnknown
from exchange.evidence import Evidence
from exchange.mailboxes.lanes import Lane
from exchange.mailboxes.rows import AckOutcome
from exchange.messages import Message
from exchange.server.door import current_caller
from exchange.server.mutations import Commit, answer_once
from exchange.server.servicers import Context
from exchange.services import Services
from exchange.use_cases import drafting, receiving, submitting
from exchange.use_cases.drafting import Draft
from exchange.use_cases.receiving import AckRequest
from exchange.wire import messages as wire
from exchange.wire.envelopes import blob_of, read_envelope, read_status
from exchange.wire.values import (
    END_OF_TIME,
    instant_and_id,
    natural,
    page_size,
    read_page_token,
    resource_uuid,
    write_page_token,
)
from storage.database import Connection

POLL_SECONDS = 0.25


class ExchangeServicer(exchange_pb2_grpc.ExchangeServiceServicer):
    """Recalls, subscriptions and reconciliation are not built yet and answer so."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def CreateMessage(  # noqa: N802
        self, request: exchange_pb2.CreateMessageRequest, context: Context
    ) -> exchange_pb2.CreateMessageResponse:
        """Make a draft of an envelope, or of an uploaded edXML document."""

        async def prepare() -> Commit[exchange_pb2.CreateMessageResponse]:
            message = await self._draft(request)

            async def commit(connection: Connection) -> exchange_pb2.CreateMessageResponse:
                return _write_draft(await drafting.keep_draft(connection, message))

            return commit

        return await answer_once(
            self._services, request, answer_type=exchange_pb2.CreateMessageResponse, prepare=prepare
        )

    async def SubmitMessage(  # noqa: N802
        self, request: exchange_pb2.SubmitMessageRequest, context: Context
    ) -> exchange_pb2.SubmitMessageResponse:
        """Judge, accept, deliver."""

        async def prepare() -> Commit[exchange_pb2.SubmitMessageResponse]:
            submission = await submitting.prepare_submission(
                self._services,
                current_caller(),
                message_id=resource_uuid(request.name, "messages"),
                etag=request.etag,
            )

            async def commit(connection: Connection) -> exchange_pb2.SubmitMessageResponse:
                await submitting.commit_submission(
                    self._services, connection, submission=submission
                )
                return exchange_pb2.SubmitMessageResponse(
                    message=wire.write_message(submission.message),
                    deliveries=[wire.write_delivery(each) for each in submission.deliveries],
                    evidence=[wire.write_evidence(each) for each in submission.evidence],
                )

            return commit

        return await answer_once(
            self._services, request, answer_type=exchange_pb2.SubmitMessageResponse, prepare=prepare
        )

    async def GetMessage(  # noqa: N802
        self, request: exchange_pb2.GetMessageRequest, context: Context
    ) -> exchange_pb2.Message:
        """Show a message to its sender or one of its recipients."""
        async with self._services.database.transaction() as connection:
            message = await _seen(connection, resource_uuid(request.name, "messages"))
        return wire.write_message(message)

    async def ListMessages(  # noqa: N802
        self, request: exchange_pb2.ListMessagesRequest, context: Context
    ) -> exchange_pb2.ListMessagesResponse:
        """List what the caller sent or received, newest first."""
        if request.filter:
            raise ArgumentInvalid("filters are not built yet", field="filter")
        before = read_page_token(request.page_token, instant_and_id, parts=2) or END_OF_TIME
        limit = page_size(request.page_size, most=self._services.limits.max_page_size)
        received = request.box == exchange_pb2.BOX_RECEIVED
        read = message_rows.list_received if received else message_rows.list_sent
        async with self._services.database.transaction() as connection:
            found = await read(connection, current_caller().code, before=before, limit=limit)
        last = found[-1] if len(found) == limit else None
        return exchange_pb2.ListMessagesResponse(
            messages=[wire.write_message(each) for each in found],
            next_page_token=write_page_token(last.created_at.isoformat(), last.message_id)
            if last
            else "",
        )

    async def GetDelivery(  # noqa: N802
        self, request: exchange_pb2.GetDeliveryRequest, context: Context
    ) -> exchange_pb2.Delivery:
        """Show a delivery to its sender or its recipient."""
        identifier = resource_uuid(request.name, "deliveries")
        async with self._services.database.transaction() as connection:
            delivery = await delivery_rows.get_delivery(connection, identifier)
        if current_caller().code not in (delivery.sender, delivery.recipient):
            raise DeliveryUnknown(str(identifier))
        return wire.write_delivery(delivery)

    async def ListDeliveries(  # noqa: N802
        self, request: exchange_pb2.ListDeliveriesRequest, context: Context
    ) -> exchange_pb2.ListDeliveriesResponse:
        """List the deliveries of one of the caller's own messages."""
        after = read_page_token(request.page_token, lambda parts: parse_organ_id(parts[0]), parts=1)
        limit = page_size(request.page_size, most=self._services.limits.max_page_size)
        async with self._services.database.transaction() as connection:
            message = await _own(connection, resource_uuid(request.message, "messages"))
            found = await delivery_rows.list_deliveries(
                connection, message.message_id, after=after or "", limit=limit
            )
        full = len(found) == limit
        return exchange_pb2.ListDeliveriesResponse(
            deliveries=[wire.write_delivery(each) for each in found],
            next_page_token=write_page_token(found[-1].recipient) if full else "",
        )

    async def Pull(  # noqa: N802
        self, request: exchange_pb2.PullRequest, context: Context
    ) -> exchange_pb2.PullResponse:
        """Read the caller's mailbox; wait a while where it is empty."""
        limits = self._services.limits
        if request.max_items < 0:
            raise ArgumentInvalid("not negative", field="max_items")
        limit = min(request.max_items or limits.max_pull_items, limits.max_pull_items)
        lanes = [_lane(number) for number in request.lanes]
        loop = asyncio.get_running_loop()
        patience = loop.time() + min(request.wait_seconds, limits.max_wait_seconds)
        while True:
            entries, cursor = await receiving.pull(
                self._services, current_caller(), cursor=request.cursor, lanes=lanes, limit=limit
            )
            if entries or loop.time() >= patience:
                return exchange_pb2.PullResponse(
                    items=[wire.write_entry(each) for each in entries], next_cursor=cursor
                )
            await asyncio.sleep(POLL_SECONDS)

    async def Acknowledge(  # noqa: N802
        self, request: exchange_pb2.AcknowledgeRequest, context: Context
    ) -> exchange_pb2.AcknowledgeResponse:
        """Note what the caller holds."""

        async def prepare() -> Commit[exchange_pb2.AcknowledgeResponse]:
            asked = [_read_ack(each) for each in request.items]

            async def commit(connection: Connection) -> exchange_pb2.AcknowledgeResponse:
                answers = [
                    await receiving.acknowledge(
                        self._services, connection, recipient=current_caller(), request=each
                    )
                    for each in asked
                ]
                return exchange_pb2.AcknowledgeResponse(
                    results=[wire.write_ack(each) for each in answers]
                )

            return commit

        return await answer_once(
            self._services, request, answer_type=exchange_pb2.AcknowledgeResponse, prepare=prepare
        )

    async def ReportStatus(  # noqa: N802
        self, request: exchange_pb2.ReportStatusRequest, context: Context
    ) -> exchange_pb2.ReportStatusResponse:
        """Take a status of a received document and tell its sender."""

        async def prepare() -> Commit[exchange_pb2.ReportStatusResponse]:
            report = await receiving.prepare_status(
                self._services,
                current_caller(),
                delivery_id=resource_uuid(request.delivery, "deliveries"),
                said=read_status(request.status, now=self._services.clock()),
            )

            async def commit(connection: Connection) -> exchange_pb2.ReportStatusResponse:
                delivery, evidence = await receiving.commit_status(
                    self._services, connection, report=report
                )
                return exchange_pb2.ReportStatusResponse(
                    delivery=wire.write_delivery(delivery),
                    evidence=wire.write_evidence(evidence) if evidence else None,
                )

            return commit

        return await answer_once(
            self._services, request, answer_type=exchange_pb2.ReportStatusResponse, prepare=prepare
        )

    async def GetEvidence(  # noqa: N802
        self, request: exchange_pb2.GetEvidenceRequest, context: Context
    ) -> common_pb2.Evidence:
        """Show one piece of evidence to the parties of its message and to auditors."""
        identifier = resource_uuid(request.name, "evidence")
        async with self._services.database.transaction() as connection:
            evidence = await delivery_rows.find_evidence(connection, identifier)
            if evidence is None or not await _may_read(connection, evidence):
                raise EvidenceUnknown(str(identifier))
        return wire.write_evidence(evidence)

    async def ListEvidence(  # noqa: N802
        self, request: exchange_pb2.ListEvidenceRequest, context: Context
    ) -> exchange_pb2.ListEvidenceResponse:
        """List what happened to a message, for its parties and for auditors."""
        identifier = resource_uuid(request.message, "messages")
        after = read_page_token(request.page_token, lambda parts: natural(parts[0]), parts=1)
        limit = page_size(request.page_size, most=self._services.limits.max_page_size)
        async with self._services.database.transaction() as connection:
            if EndpointRole.AUDITOR not in current_caller().roles:
                await _seen(connection, identifier)
            found = await delivery_rows.list_evidence(
                connection, identifier, after=after or 0, limit=limit
            )
        full = len(found) == limit
        return exchange_pb2.ListEvidenceResponse(
            evidence=[wire.write_evidence(each) for _, each in found],
            next_page_token=write_page_token(found[-1][0]) if full else "",
        )

    async def _draft(self, request: exchange_pb2.CreateMessageRequest) -> Message:
        if request.WhichOneof("content") == "edxml":
            return await drafting.draft_from_edxml(
                self._services, current_caller(), sha256=request.edxml.sha256
            )
        return drafting.draft_from_envelope(
            self._services, current_caller(), envelope=read_envelope(request.envelope)
        )


async def _may_read(connection: Connection, evidence: Evidence) -> bool:
    if EndpointRole.AUDITOR in current_caller().roles:
        return True
    with contextlib.suppress(MessageUnknown):
        await _seen(connection, evidence.message_id)
        return True
    return False


async def _own(connection: Connection, message_id: UUID) -> Message:
    message = await message_rows.get_message(connection, message_id)
    if message.sender != current_caller().code:
        raise MessageUnknown(str(message_id))
    return message


async def _seen(connection: Connection, message_id: UUID) -> Message:
    message = await message_rows.get_message(connection, message_id)
    caller = current_caller().code
    if message.sender != caller and not await delivery_rows.is_recipient(
        connection, message_id, endpoint=caller
    ):
        raise MessageUnknown(str(message_id))
    return message


def _write_draft(draft: Draft) -> exchange_pb2.CreateMessageResponse:
    return exchange_pb2.CreateMessageResponse(
        message=wire.write_message(draft.message),
        missing_blobs=[blob_of(each) for each in draft.missing],
    )


def _read_ack(item: exchange_pb2.AckItem) -> AckRequest:
    if item.outcome not in (exchange_pb2.ACK_OUTCOME_STORED, exchange_pb2.ACK_OUTCOME_REJECTED):
        raise ArgumentInvalid("STORED or REJECTED needed", field="items.outcome")
    stored = item.outcome == exchange_pb2.ACK_OUTCOME_STORED
    return AckRequest(
        lane=_lane(item.lane),
        sequence=item.sequence,
        outcome=AckOutcome.STORED if stored else AckOutcome.REJECTED,
        reason=item.reason,
    )


def _lane(number: common_pb2.Lane.ValueType) -> Lane:
    try:
        return Lane(number)
    except ValueError:
        raise ArgumentInvalid("a known lane is needed", field="lane") from None
