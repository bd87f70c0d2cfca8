"""Envelopes and edXML texts for the tests, valid unless a test makes them otherwise."""

import base64
import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

from exchange.agency import OrganId
from exchange.edxml import ReadDocument, ReadStatus, read_edxml, write_edxml_document
from exchange.envelope import (
    AttachmentRef,
    Business,
    DocumentCode,
    DocumentType,
    Envelope,
    Party,
    Promulgation,
    SignerInfo,
    StatusCode,
    StatusMessage,
    Trace,
)

WORKED = Path(__file__).parent.parent / "data" / "edxml"
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\n%%EOF\n"
NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"


def attachment(
    content: bytes = PDF,
    *,
    content_id: str = "main",
    file_name: str = "cong-van.pdf",
    media_type: str = "application/pdf",
) -> AttachmentRef:
    return AttachmentRef(
        content_id=content_id,
        file_name=file_name,
        media_type=media_type,
        digest=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
    )


def envelope() -> Envelope:
    """The shortest document that may be sent; its one attachment is `PDF` under the id `main`."""
    return Envelope(
        sender=Party(organ_id=OrganId("H56"), name="UBND tỉnh Thanh Hóa"),
        recipients=(Party(organ_id=OrganId("G09"), name="Bộ Nội vụ"),),
        document_id="H56,2026/11/20,1234/UBND-CNTT",
        code=DocumentCode(number="1234", notation="UBND-CNTT"),
        promulgation=Promulgation(place="Thanh Hóa", date=date(2026, 11, 20)),
        document_type=DocumentType(name="Công văn", group=2, detail=18),
        subject="V/v kết nối, liên thông",
        signer=SignerInfo(position="Phó Chủ tịch", full_name="Trần Văn Ví Dụ"),
        business=Business(reason="Văn bản điện tử mới"),
        traces=(Trace(organ_id=OrganId("H56"), at=datetime(2026, 11, 20, 1, 15, 2, tzinfo=UTC)),),
        attachments=(attachment(),),
    )


def status(code: StatusCode = StatusCode.ACCEPTED) -> StatusMessage:
    """A status message that may be sent."""
    return StatusMessage(
        sender=Party(organ_id=OrganId("G09"), name="Bộ Nội vụ"),
        addressee=OrganId("H56"),
        document_id="H56,2026/11/20,1234/UBND-CNTT",
        document_code="1234/UBND-CNTT",
        promulgated_on=date(2026, 11, 20),
        status=code,
        description="Đã tiếp nhận: số đến 5678",
        reported_at=datetime(2026, 11, 20, 2, 0, tzinfo=UTC),
    )


def document_text(
    content: bytes = PDF, *, file_name: str = "cong-van.pdf", media_type: str = "application/pdf"
) -> str:
    """The edXML text of `envelope()` with another content, name or type, for bending by hand."""
    plain = write_edxml_document(envelope(), {"main": PDF}).decode()
    return (
        plain.replace("cong-van.pdf", file_name)
        .replace("application/pdf", media_type)
        .replace(_encoded(PDF), _encoded(content))
    )


def read_document(text: str | bytes) -> ReadDocument:
    read = read_edxml(text if isinstance(text, bytes) else text.encode())
    assert isinstance(read, ReadDocument)
    return read


def read_status(text: str | bytes) -> ReadStatus:
    read = read_edxml(text if isinstance(text, bytes) else text.encode())
    assert isinstance(read, ReadStatus)
    return read


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
