"""From options or a TOML file to an envelope: what a clerk types about a document. Pure."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from congvan.v1 import envelope_pb2
from exchange.cli.errors import UsageInvalid

# Administrative documents by their index in edXML (QCVN 102:2016 after TT 01/2011/TT-BNV).
ADMINISTRATIVE_TYPES = (
    *("Nghị quyết", "Quyết định", "Chỉ thị", "Quy chế", "Quy định", "Thông cáo", "Thông báo"),
    *("Hướng dẫn", "Chương trình", "Kế hoạch", "Phương án", "Đề án", "Dự án", "Báo cáo"),
    *("Biên bản", "Tờ trình", "Hợp đồng", "Công văn", "Công điện", "Bản ghi nhớ", "Bản cam kết"),
    *("Bản thỏa thuận", "Giấy chứng nhận", "Giấy ủy quyền", "Giấy mời", "Giấy giới thiệu"),
    *("Giấy nghỉ phép", "Giấy đi đường", "Giấy biên nhận hồ sơ", "Phiếu gửi", "Phiếu chuyển"),
    "Thư công",
)
_ADMINISTRATIVE = 2

PRIORITIES: Mapping[str, envelope_pb2.Priority.ValueType] = {
    "thường": envelope_pb2.PRIORITY_NORMAL,
    "normal": envelope_pb2.PRIORITY_NORMAL,
    "khẩn": envelope_pb2.PRIORITY_URGENT,
    "urgent": envelope_pb2.PRIORITY_URGENT,
    "thượng khẩn": envelope_pb2.PRIORITY_VERY_URGENT,
    "very-urgent": envelope_pb2.PRIORITY_VERY_URGENT,
    "hỏa tốc": envelope_pb2.PRIORITY_FLASH,
    "flash": envelope_pb2.PRIORITY_FLASH,
}
_NEEDED = ("to", "number", "notation", "type", "subject", "signer", "position")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a clerk says about a document; `to` holds the recipients' codes.

    Raises UsageInvalid for a priority that is none.
    """

    to: tuple[str, ...]
    number: str
    notation: str
    type: str
    subject: str
    signer: str
    position: str
    promulgated_on: date
    competence: str = ""
    place: str = "Thanh Hóa"
    priority: str = "thường"
    pages: int = 0

    def envelope(self) -> envelope_pb2.Envelope:
        """Build the envelope; the client adds the names of the parties and the attachments."""
        priority = PRIORITIES.get(_folded(self.priority))
        if priority is None:
            raise UsageInvalid(f"priority {self.priority}: one of {', '.join(PRIORITIES)}")
        issued_on = self.promulgated_on
        return envelope_pb2.Envelope(
            recipients=[envelope_pb2.Party(organ_id=code) for code in self.to],
            code=envelope_pb2.DocumentCode(number=self.number, notation=self.notation),
            place=self.place,
            promulgated_on=envelope_pb2.CalendarDate(
                year=issued_on.year, month=issued_on.month, day=issued_on.day
            ),
            document_type=document_type(self.type),
            subject=unicodedata.normalize("NFC", self.subject),
            signer=envelope_pb2.SignerInfo(
                competence=self.competence, position=self.position, full_name=self.signer
            ),
            priority=priority,
            pages=self.pages,
        )


def document_type(name: str) -> envelope_pb2.DocumentType:
    """Name a type of document, with its index in edXML where it has one."""
    known = [_folded(each) for each in ADMINISTRATIVE_TYPES]
    found = known.index(_folded(name)) + 1 if _folded(name) in known else 0
    return envelope_pb2.DocumentType(
        group=_ADMINISTRATIVE,
        detail=found,
        name=ADMINISTRATIVE_TYPES[found - 1] if found else name,
    )


def draft_from(values: Mapping[str, Any]) -> Draft:
    """Build a draft from names and values, as options or a TOML file give them.

    Raises UsageInvalid for what is missing, unknown or of the wrong kind.
    """
    missing = [name for name in _NEEDED if not values.get(name)]
    if missing:
        raise UsageInvalid("missing: " + ", ".join(f"--{name}" for name in missing))
    given = {name: value for name, value in values.items() if value not in (None, "")}
    unknown = set(given) - set(Draft.__dataclass_fields__)
    if unknown:
        raise UsageInvalid("unknown: " + ", ".join(sorted(unknown)))
    to = given["to"]
    if not isinstance(to, (list, tuple)) or not all(isinstance(code, str) for code in to):
        raise UsageInvalid("to must be a list of codes")
    if not isinstance(given.get("promulgated_on"), date):
        raise UsageInvalid("promulgated_on must be a day")
    return Draft(**{**given, "to": tuple(to), "number": str(given["number"])})


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip()).casefold()
