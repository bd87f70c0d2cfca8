"""What the demo will do and what must come of it: documents, recipients, verdicts. Pure."""

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from exchange.cli.drafts import Draft
from exchange.cli.errors import DemoFailed
from signer.pages.appearance import Box

REGISTRAR = "H56.88"
"""Code of the body that keeps the registry, audits the figures and runs the service."""
REGISTRAR_NAME = "Trung tâm tích hợp dữ liệu (thực hành)"

# NĐ 30/2020, Appendix I, II.8: the seal covers about a third of the signature's picture, on its
# left. The pictures are 44 × 20 and 36 × 36 mm at their true size; signer blocks are centred here.
_CENTRE_MM = 148.0
_SIGNATURE_MM = (44.0, 20.0)
_SEAL_MM = 36.0
_ANNEX_BOX = Box(page=1, left_mm=125, bottom_mm=279, width_mm=75, height_mm=12)


class Treatment(StrEnum):
    """What happens to a document before it is sent."""

    SIGNED = "SIGNED"
    UNSIGNED = "UNSIGNED"
    BROKEN = "BROKEN"

    @property
    def verdict(self) -> str:
        """The verdict that every judge must come to."""
        return {"SIGNED": "VALID", "UNSIGNED": "UNSIGNED", "BROKEN": "INVALID"}[self]


# Page, and height of the middle between the signer's position and name, as the PDFs have them.
_PLACES: Mapping[str, tuple[int, float]] = {
    "quyet-dinh.pdf": (2, 190.0),
    "cong-van.pdf": (1, 71.6),
    "to-trinh.pdf": (1, 55.5),
    "giay-moi.pdf": (1, 80.2),
    "thong-bao.pdf": (1, 82.5),
    "bao-cao-doanh-nghiep.pdf": (1, 49.5),
}
# Two more sendings of documents of the catalogue, as they go wrong in offices.
_MISHAPS: Mapping[str, tuple[Treatment, str, tuple[str, ...]]] = {
    "giay-moi.pdf": (Treatment.UNSIGNED, "gửi nhầm bản chưa ký số", ("A56.90", "H56.90")),
    "cong-van.pdf": (Treatment.BROKEN, "bản bị sửa sau khi ký", ("H56.91", "H56.95")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One document on its way: who sends what to whom, and what is done to it before."""

    position: int
    file: Path
    sender: str
    sender_name: str
    block: str
    draft: Draft
    printed_code: str
    annexes: tuple[tuple[Path, str], ...]
    treatment: Treatment = Treatment.SIGNED

    @property
    def code(self) -> str:
        """Number and notation: `3905/QĐ-UBND`."""
        return f"{self.draft.number}/{self.draft.notation}"

    @property
    def stem(self) -> str:
        """What its files in the demo's folder are called."""
        return f"{self.position:02d}-{self.file.stem}"

    @property
    def signature_box(self) -> Box:
        """Where the leader's picture goes: between position and name."""
        page, middle = _PLACES[self.file.name]
        width, height = _SIGNATURE_MM
        return Box(
            page=page,
            left_mm=_CENTRE_MM - width / 2,
            bottom_mm=middle - height / 2,
            width_mm=width,
            height_mm=height,
        )

    @property
    def seal_box(self) -> Box:
        """Where the seal goes: over the left third of the leader's picture."""
        signature = self.signature_box
        return Box(
            page=signature.page,
            left_mm=signature.left_mm + signature.width_mm / 3 - _SEAL_MM,
            bottom_mm=signature.bottom_mm + signature.height_mm / 2 - _SEAL_MM / 2,
            width_mm=_SEAL_MM,
            height_mm=_SEAL_MM,
        )

    @property
    def annex_box(self) -> Box:
        """Where an annex in a file of its own is signed: top right of its first page."""
        return _ANNEX_BOX


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole demo: endpoints as the registry wants them, documents in the order of sending."""

    endpoints: tuple[Mapping[str, Any], ...]
    dispatches: tuple[Dispatch, ...]
    pictures: Path

    @property
    def senders(self) -> tuple[str, ...]:
        """Codes of those who send, each once."""
        return tuple(dict.fromkeys(each.sender for each in self.dispatches))

    @property
    def recipients(self) -> tuple[str, ...]:
        """Codes of those who receive, each once."""
        return tuple(dict.fromkeys(code for each in self.dispatches for code in each.draft.to))

    @property
    def period(self) -> tuple[date, date]:
        """First and last day of issue."""
        days = [each.draft.promulgated_on for each in self.dispatches]
        return min(days), max(days)

    def expected(self, block: str = "") -> tuple[int, int]:
        """Give numerator and denominator of the rate, of one block or of all."""
        counted = [each for each in self.dispatches if block in ("", each.block)]
        signed = Counter(each.treatment for each in counted)[Treatment.SIGNED]
        return signed, len(counted)


def make_plan(data: Path, *, today: date) -> Plan:
    """Read the practice documents' catalogue and add the two mishaps.

    No date of issue lies after `today`. Raises DemoFailed where the documents are not there.
    """
    folder = data / "documents"
    try:
        catalogue = tomllib.loads((folder / "catalogue.toml").read_text(encoding="utf8"))
        endpoints = tomllib.loads((folder / "endpoints.toml").read_text(encoding="utf8"))
    except OSError as error:
        raise DemoFailed(f"{folder}: {error.strerror}; run it from the source tree") from error
    good = [
        _dispatch(folder, entry, position=position, today=today)
        for position, entry in enumerate(catalogue["document"], start=1)
    ]
    mishaps = [each for each in good if each.file.name in _MISHAPS]
    return Plan(
        endpoints=tuple(endpoints["endpoint"]),
        dispatches=(*good, *(_mishap(each, len(good) + i) for i, each in enumerate(mishaps, 1))),
        pictures=data / "pictures",
    )


def _dispatch(folder: Path, entry: Mapping[str, Any], *, position: int, today: date) -> Dispatch:
    signer, sender = entry["signer"], entry["sender"]
    return Dispatch(
        position=position,
        file=folder / entry["file"],
        sender=sender["code"],
        sender_name=sender["name"],
        block=sender["block"],
        draft=Draft(
            to=tuple(entry["recipients"]),
            number=entry["number"],
            notation=entry["notation"],
            type=entry["type_name"],
            subject=entry["subject"],
            signer=signer["full_name"],
            position=signer["position"],
            competence=signer["competence"],
            place=entry["place"],
            promulgated_on=min(entry["promulgated_on"], today),
            pages=entry["pages"],
        ),
        printed_code=entry["printed_code"],
        annexes=tuple((folder / annex["file"], annex["title"]) for annex in entry["annexes"]),
    )


def _mishap(original: Dispatch, position: int) -> Dispatch:
    treatment, note, recipients = _MISHAPS[original.file.name]
    draft = original.draft
    changed = replace(
        draft,
        number=str(int(draft.number) + 1),
        subject=f"{draft.subject} ({note})",
        to=recipients,
    )
    return replace(
        original,
        position=position,
        draft=changed,
        printed_code=f"{changed.number}/{changed.notation}",
        annexes=(),
        treatment=treatment,
    )
