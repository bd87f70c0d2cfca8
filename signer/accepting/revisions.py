"""What the quick way to accept says of the two revisions, as the full way says it (pure)."""

from __future__ import annotations

from signer.accepting.document import PlainSigned
from signer.fastlane.reading import PlainDocument
from signer.fastlane.tables import FREE
from signer.fastlane.tokens import Entries, NotPlain, reference_of
from signer.report_parts import RevisionContent, RevisionReport
from signer.validation.revisions import MAX_OBJECTS, SILENT, TYPES, end_of_section


def describe_revisions(document: bytes, found: PlainSigned) -> tuple[RevisionReport, ...]:
    """Return the reports on a document's first revision and on the update that signed it."""
    reading = found.reading
    end = found.signed.end
    first = end_of_section(document, reading.sections[0].end, signed_ends=frozenset({end}))
    if not first < found.signed.gap_start:
        raise NotPlain("revisions that overlap")
    return (
        RevisionReport(number=1, end=first, changes=(RevisionContent.ORIGINAL,)),
        RevisionReport(number=2, end=end, signed_by=(found.field,), changes=_brought(found)),
    )


def _brought(found: PlainSigned) -> tuple[RevisionContent, ...]:
    """Say what the update brought, by the types of the objects that it writes."""
    reading = found.reading
    before, update = reading.sections
    root = reading.trailer[b"/Root"]
    if before.trailer.get(b"/Root") != root:
        raise NotPlain("another catalog")
    if reading.may_have(b"/DSS", reference_of(root), before_update=True):
        raise NotPlain("evidence that was taken away")
    written = [
        run.first + index
        for run in update.runs
        for index, kind in enumerate(run.kinds)
        if kind != FREE
    ]
    if len(written) > MAX_OBJECTS:
        raise NotPlain("many objects")
    brought = {
        _content(found, number)
        for number in written
        if number not in (found.signature, update.stream)
    }
    brought.add(RevisionContent.SIGNATURE)
    return tuple(each for each in RevisionContent if each in brought)


def _content(found: PlainSigned, number: int) -> RevisionContent | None:
    """Say what an object brings, None for what it takes to bring something."""
    entries, is_stream = found.objects.get(number), False
    if entries is None:
        entries, is_stream = _described(found.reading, number)
    if entries is None:
        return None
    kind, form = entries.get(b"/Type", b"/"), entries.get(b"/FT", b"/Sig")
    if not (kind.startswith(b"/") and form.startswith(b"/")) or b"/ByteRange" in entries:
        raise NotPlain("another signature, or types that are referred to")
    if form != b"/Sig":
        return RevisionContent.FORM
    named = kind.decode("ascii")
    if named in TYPES:
        return TYPES[named]
    if named == "/Annot" and b"/FT" not in entries:
        return RevisionContent.OTHER
    if not is_stream or named in SILENT:
        return None
    is_new = found.reading.sections[0].kind(number) in (None, FREE)
    return None if is_new else RevisionContent.OTHER


def _described(reading: PlainDocument, number: int) -> tuple[Entries | None, bool]:
    """Return an object's dictionary, None where it is none, and whether it is a stream's."""
    try:
        return reading.entries(number), False
    except NotPlain:
        pass
    try:
        return reading.stream(number)[0], True
    except NotPlain:
        pass
    if not reading.value(number).startswith(b"["):
        raise NotPlain("an object of another kind")
    return None, False
