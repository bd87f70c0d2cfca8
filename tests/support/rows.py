"""Rows that whole-table tests start from: endpoints, a message, deliveries."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from certs.trust.anchors import Block
from exchange import deliveries, messages, registry
from exchange.agency import AgencyLevel, Endpoint, OrganId
from exchange.deliveries import Delivery
from exchange.delivery import DeliveryState
from exchange.envelope import (
    AttachmentRef,
    DocumentCode,
    DocumentType,
    Envelope,
    Party,
    Promulgation,
    SignerInfo,
)
from exchange.mailboxes.lanes import Lane
from exchange.messages import BlobName, Message, MessageState
from storage.database import Connection

SENDER, RECIPIENT = OrganId("H56.90"), OrganId("A56.90")
NOW = datetime(2026, 11, 20, 1, 15, tzinfo=UTC)


def endpoint(code: OrganId, *, block: Block = Block.STATE) -> Endpoint:
    return Endpoint(
        code=code,
        name=f"Cơ quan {code}",
        block=block,
        level=AgencyLevel.PROVINCE,
        valid_from=datetime(2025, 7, 1, tzinfo=UTC),
    )


def envelope(document_id: str = "H56.90,2026/11/20,1234/KHCN-VP") -> Envelope:
    return Envelope(
        sender=Party(organ_id=SENDER, name="Sở Khoa học và Công nghệ"),
        recipients=(Party(organ_id=RECIPIENT, name="Văn phòng Tỉnh ủy"),),
        document_id=document_id,
        code=DocumentCode(number="1234", notation="KHCN-VP"),
        promulgation=Promulgation(place="Thanh Hóa", date=date(2026, 11, 20)),
        document_type=DocumentType(name="Công văn", group=2, detail=18),
        subject="V/v kết nối, liên thông hệ thống quản lý văn bản",
        signer=SignerInfo(position="Giám đốc", full_name="Nguyễn Văn An"),
        attachments=(
            AttachmentRef(
                content_id="main",
                file_name="1234.pdf",
                media_type="application/pdf",
                digest="a" * 64,
                size_bytes=10,
            ),
        ),
    )


def draft(document_id: str = "H56.90,2026/11/20,1234/KHCN-VP") -> Message:
    return Message(
        message_id=uuid4(),
        sender=SENDER,
        state=MessageState.DRAFT,
        envelope=envelope(document_id),
        lane=Lane.NORMAL,
        created_at=NOW,
    )


async def parties(connection: Connection) -> None:
    """Register the sender and the recipient."""
    await registry.add_endpoint(connection, endpoint(SENDER))
    await registry.add_endpoint(connection, endpoint(RECIPIENT, block=Block.PARTY))


async def submitted(connection: Connection) -> Message:
    """Store a submitted message of the sender's."""
    message = draft(f"H56.90,2026/11/20,{uuid4()}")
    await messages.add_draft(connection, message)
    message = replace(
        message,
        state=MessageState.SUBMITTED,
        submitted_at=NOW,
        edxml=BlobName(digest="b" * 64, size_bytes=20),
    )
    await messages.mark_submitted(connection, message)
    return message


async def delivered(connection: Connection) -> UUID:
    """Store a submitted message with one delivery; gives the delivery's identifier."""
    message = await submitted(connection)
    delivery = Delivery(
        delivery_id=uuid4(),
        message_id=message.message_id,
        sender=message.sender,
        recipient=RECIPIENT,
        state=DeliveryState.SENT,
        delivered_at=NOW,
    )
    await deliveries.add_delivery(connection, delivery)
    return delivery.delivery_id
