"""What a signature is for in an office, and the words it then shows: NĐ 30/2020 App. I (pure)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from signer.errors import PlacementInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

VIETNAM_TIME: Final = timezone(timedelta(hours=7))


class OfficeRole(StrEnum):
    """What a signature is for."""

    LEADER_APPROVAL = "LEADER_APPROVAL"
    """Who is competent signs: a blue picture between position and name (II.7.d)."""
    ORGANISATION_SEAL = "ORGANISATION_SEAL"
    """The organisation signs: its red seal over the left third of that picture (II.8.a)."""
    ANNEX = "ANNEX"
    """An annex in a file of its own: text at the top right of its first page (III.1.d)."""
    COPY = "COPY"
    """A copy to electronic form: text at the top right of its first page (part II, I)."""


class CopyForm(StrEnum):
    """The form of a copy, in the words that it shows (NĐ 30/2020, article 25)."""

    SAO_Y = "SAO Y"
    SAO_LUC = "SAO LỤC"
    TRICH_SAO = "TRÍCH SAO"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeSigning:
    """What a signature is for, and what its look needs to know.

    at: the time of signing, aware. signer: the leader's name as printed; None finds the last one.
    picture: a PNG, for the two roles that show one. seal_mm: the seal's diameter. code: number and
    symbol of the document that an annex belongs to. form, organisation: of a copy.
    Raises PlacementInvalid where the role lacks what it shows, or is given what it must not show.
    """

    role: OfficeRole
    at: datetime
    signer: str | None = None
    picture: bytes | None = None
    seal_mm: float = 36.0
    code: str = ""
    form: CopyForm | None = None
    organisation: str = ""

    def __post_init__(self) -> None:
        """Refuse what Appendix I does not know."""
        if self.at.tzinfo is None:
            raise ValueError("at must be an aware datetime")
        pictured = self.role in (OfficeRole.LEADER_APPROVAL, OfficeRole.ORGANISATION_SEAL)
        if pictured and self.picture is None:
            raise PlacementInvalid("the leader's signature and the seal are pictures: give one")
        if not pictured and self.picture is not None:
            raise PlacementInvalid("annexes and copies show text only: leave the picture out")
        if self.role is OfficeRole.ANNEX and not self.code.strip():
            raise PlacementInvalid("an annex shows number and symbol of its document: give them")
        if self.role is OfficeRole.COPY and (not self.form or not self.organisation.strip()):
            raise PlacementInvalid("a copy shows its form and the organisation: give both")

    def texts(self) -> tuple[str, ...]:
        """Return the lines that the role shows, before long ones are broken."""
        if self.role is OfficeRole.ANNEX:
            return (_plain(self.code), written_time(self.at))
        if self.role is OfficeRole.COPY and self.form is not None:
            return (self.form.value, _plain(self.organisation), written_time(self.at))
        return ()


def written_time(at: datetime) -> str:
    """Return a time as ISO 8601 wants it, in Vietnam's zone: 2026-11-05T09:30:00+07:00."""
    return at.astimezone(VIETNAM_TIME).isoformat(timespec="seconds")


def broken_lines(
    lines: tuple[str, ...], *, width_of: Callable[[str], float], room: float
) -> tuple[str, ...]:
    """Break lines between words so that each takes no more than the room, where words allow."""
    broken: list[str] = []
    for line in lines:
        taken = ""
        for word in line.split(" "):
            longer = f"{taken} {word}" if taken else word
            if taken and width_of(longer) > room:
                broken.append(taken)
                longer = word
            taken = longer
        broken.append(taken)
    return tuple(broken)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
