"""What was signed in a document, and what a reader sees of it, found apart from the verifier."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

import pypdfium2  # type: ignore[import-untyped]
from asn1crypto import cms

from bench.fuzz_seeds import Seed

MAX_PAGES: Final = 8
MAX_SIDE_UNITS: Final = 3000
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*0+\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedAct:
    """Somebody signed these bytes: their digest, and the digest of the signature's value."""

    content: str
    value: str


def signed_acts(document: bytes) -> dict[SignedAct, int]:
    """Return the signatures that the bytes hold, each with the end of its signed bytes."""
    found = {}
    for match in _BYTE_RANGE.finditer(document):
        first, second, rest = (int(number) for number in match.groups())
        if not first < second <= second + rest <= len(document):
            continue
        try:
            digits = document[first + 1 : second - 1].decode("ascii")
            content = bytes.fromhex(digits + "0" * (len(digits) % 2))
            message = cms.ContentInfo.load(content)
            value = message["content"]["signer_infos"][0]["signature"].native
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            continue
        state = hashlib.sha256(document[:first])
        state.update(document[second : second + rest])
        act = SignedAct(content=state.hexdigest(), value=hashlib.sha256(value).hexdigest())
        found[act] = second + rest
    return found


def seen_pages(document: bytes) -> tuple[str, ...]:
    """Return what a reader (PDFium) shows: the number of pages, and a digest of each one's pixels.

    Empty where it shows nothing at all.
    """
    try:
        opened = pypdfium2.PdfDocument(document)
    except pypdfium2.PdfiumError:
        return ()
    try:
        opened.init_forms()
        count = len(opened)
        return (str(count), *(_seen(opened, index) for index in range(min(count, MAX_PAGES))))
    except pypdfium2.PdfiumError:
        return ("broken",)
    finally:
        opened.close()


def _seen(opened: pypdfium2.PdfDocument, index: int) -> str:
    page = opened[index]
    width, height = page.get_size()
    scale = min(1.0, MAX_SIDE_UNITS / max(width, height, 1.0))
    bitmap = page.render(scale=scale, may_draw_forms=True)
    pixels = hashlib.sha256(bytes(bitmap.buffer)).hexdigest()
    return f"{width:.2f}x{height:.2f} {pixels}"


class Genuine:
    """What the people of the seeds really signed, and what their documents showed then."""

    def __init__(self, seeds: tuple[Seed, ...]) -> None:
        self._acts: dict[SignedAct, tuple[Seed, int]] = {}
        self._seen: dict[tuple[str, int], tuple[str, ...]] = {}
        for seed in seeds:
            for act, end in signed_acts(seed.content).items():
                self._acts[act] = (seed, end)

    def fault(self, mutant: bytes, *, signatures: int) -> str:
        """Say what is not as it was signed, though so many signatures are accepted; or nothing."""
        known = [act for act in signed_acts(mutant) if act in self._acts]
        if len(known) < signatures:
            return f"{signatures} signatures accepted, {len(known)} ever made over these bytes"
        seed, end = max((self._acts[act] for act in known), key=lambda made: made[1])
        shown = seen_pages(mutant)
        if any(shown == self._state(seed, at) for at in {end, *seed.ends} if at >= end):
            return ""
        return "a reader sees something else"

    def _state(self, seed: Seed, end: int) -> tuple[str, ...]:
        key = (seed.name, end)
        if key not in self._seen:
            self._seen[key] = seen_pages(seed.content[:end])
        return self._seen[key]
