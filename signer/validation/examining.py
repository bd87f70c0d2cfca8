"""Examining one signature for itself: structure, coverage, cryptography; no trust yet (pure).

EN 319 102-1 §5.2.2 (format), §5.2.3 (signing certificate), §5.2.7 (cryptographic verification),
with the rules of `signer.document` on what /ByteRange covers.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from asn1crypto import core
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType

from signer.document import (
    SignedRange,
    StructureError,
    check_end,
    ends_at,
    locate_signature,
    read_signature_dictionary,
    stream_start,
)
from signer.engine.reading import ENGINE_ERRORS, dictionary, empty_dictionary, read_object, told
from signer.limits import DocumentLimits
from signer.reasons import Reason
from signer.signature_fields import SignatureField
from signer.validation.changes import Locks, read_locks
from signer.validation.cms_signatures import (
    UNACCEPTED_ALGORITHMS,
    CmsError,
    CmsSignature,
    check_value,
    digest_parts,
    read_cms,
)
from signer.validation.findings import Finding
from signer.validation.timestamps import check_token
from signer.verdicts import Indication, Integrity, SubIndication

PADES: Final = "/ETSI.CAdES.detached"
DOCUMENT_TIMESTAMP: Final = "/ETSI.RFC3161"
PKCS7_DETACHED: Final = "/adbe.pkcs7.detached"
JUDGED_FORMATS: Final = frozenset({PADES, DOCUMENT_TIMESTAMP, PKCS7_DETACHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A document that the engine could open, and the limits it is read under."""

    document: bytes
    reader: PdfFileReader
    limits: DocumentLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a signature is by itself; `finding` is the first thing wrong with it, or None.

    type_name: what its dictionary calls itself. byte_range_at: where its /ByteRange value
    stands. revision: the revision it was made in. whole_file: whether the document is over
    where it ends. space_after: whether white space follows all the same.
    stated_at: the time in /M, which nothing proves.
    """

    field: SignatureField
    finding: Finding | None
    integrity: Integrity
    sub_filter: str = ""
    type_name: str = ""
    byte_range_at: int | None = None
    signed_range: SignedRange | None = None
    revision: int | None = None
    whole_file: bool = False
    space_after: bool = False
    cms: CmsSignature | None = None
    stated_at: datetime | None = None
    locks: Locks = dataclasses.field(default_factory=Locks)

    @property
    def is_timestamp(self) -> bool:
        """Whether it is a document time-stamp and nobody's signature."""
        return self.sub_filter == DOCUMENT_TIMESTAMP

    @property
    def intact(self) -> bool:
        """Whether it covers its revision and verifies with its own certificate."""
        return self.integrity is Integrity.INTACT


def examine(opened: Opened, found: SignatureField) -> Examined:
    """Examine one filled field; whatever is wrong with it stays with it, as its finding."""
    if found.value is None:
        return _unreadable(found, found.fault or "the field holds no signature")
    try:
        return _examine(opened, found)
    except MemoryError:
        raise
    except Exception as error:  # the engine raises anything, also zlib.error
        return _unreadable(found, told(error))


def _unreadable(found: SignatureField, detail: str) -> Examined:
    finding = Finding(
        reason=Reason.FIELD_UNREADABLE,
        sub_indication=SubIndication.FORMAT_FAILURE,
        detail=detail[:500],
    )
    return Examined(field=found, finding=finding, integrity=Integrity.UNKNOWN)


def _examine(opened: Opened, found: SignatureField) -> Examined:
    document, reader = opened.document, opened.reader
    reference = found.value
    value = dictionary(read_object(reader, reference)) if reference is not None else None
    if value is None or reference is None:
        return _unreadable(found, "/V is no signature dictionary")
    known = Examined(
        field=found,
        finding=None,
        integrity=Integrity.UNKNOWN,
        sub_filter=str(value.get("/SubFilter", "")),
        type_name=str(value.get("/Type", "")),
        stated_at=_stated_at(value),
    )
    try:
        # 1. Format (EN 319 102-1 §5.2.2) in the bytes themselves.
        entries = read_signature_dictionary(
            document,
            object_offset=_plain_offset(reader, reference),
            object_number=reference.idnum,
        )
        if b"ByteRange" in entries:
            known = replace(known, byte_range_at=entries[b"ByteRange"].start)
        if known.sub_filter not in JUDGED_FORMATS:
            return replace(known, finding=_unsupported(known.sub_filter))
        signed_range = locate_signature(document, entries, limits=opened.limits)
        known = replace(
            known,
            signed_range=signed_range,
            revision=_covered_revision(opened, signed_range, reference=reference),
            whole_file=(whole_file := ends_at(document, signed_range.end)),
            space_after=whole_file and signed_range.end < len(document),
            locks=_locks(reader, found, value=value),
        )
    except StructureError as error:
        return replace(known, finding=_broken_structure(error), integrity=Integrity.BROKEN)
    return _check_cryptography(known, signed_range, document=document)


def _plain_offset(reader: PdfFileReader, reference: generic.Reference) -> int:
    """Return where the object stands; one in an object stream has no bytes of its own to sign."""
    place = reader.xrefs[reference]
    if not isinstance(place, int):
        raise StructureError(Reason.CONTENTS_INVALID, "the signature is in an object stream")
    return place


def _covered_revision(opened: Opened, signed: SignedRange, *, reference: generic.Reference) -> int:
    """Return the revision that the signed bytes end with; all of it must be signed.

    It is the newest one whose cross-reference section lies within the signed bytes: the newest,
    because a linearized file spreads one revision over two sections. Its end marker must end the
    signed bytes. StructureError(REVISION_NOT_COVERED) otherwise.
    """
    document, xrefs = opened.document, opened.reader.xrefs
    sections = [xrefs.get_xref_container_info(at) for at in range(xrefs.total_revisions)]
    covered = [section.end_location <= signed.end for section in sections]
    revision = sum(covered) - 1
    try:
        if not all(covered[: revision + 1]) or revision < xrefs.get_last_change(reference):
            raise StructureError(Reason.TRAILING_DATA, "its table lies outside the signed bytes")
        last = max(sections[: revision + 1], key=lambda section: section.end_location)
        startxref = check_end(
            document,
            container_end=last.end_location,
            end=signed.end,
            is_stream=last.xref_section_type is XRefSectionType.STREAM,
        )
        if startxref != xrefs.get_startxref_for_revision(revision):
            raise StructureError(Reason.TRAILING_DATA, "its startxref is another revision's")
        if revision + 1 == xrefs.total_revisions and not ends_at(document, signed.end):
            raise StructureError(Reason.TRAILING_DATA, "the file goes on after the signed bytes")
    except StructureError as error:
        raise StructureError(
            Reason.REVISION_NOT_COVERED, f"the signature does not end with its revision: {error}"
        ) from error
    return revision


def _locks(
    reader: PdfFileReader, found: SignatureField, *, value: generic.DictionaryObject
) -> Locks:
    owner = None
    if found.number:
        owner = dictionary(read_object(reader, generic.Reference(found.number, 0, reader)))
    try:
        return read_locks(owner or empty_dictionary(), value)
    except ENGINE_ERRORS as error:
        # A lock that can't be understood can't be kept.
        raise StructureError(
            Reason.FIELD_UNREADABLE, f"what the signature locks can't be read: {error}"
        ) from error


def _check_cryptography(known: Examined, signed: SignedRange, *, document: bytes) -> Examined:
    try:
        # 2. The signing certificate (EN 319 102-1 §5.2.3).
        cms = read_cms(signed.cms)
    except CmsError as error:
        return replace(known, finding=error.finding)
    known = replace(known, cms=cms)
    # 3. Cryptographic verification (EN 319 102-1 §5.2.7).
    digest = digest_parts(signed.parts(document))
    if known.is_timestamp:
        finding, stamped_at = check_token(cms, digest)
        known = replace(known, stated_at=stamped_at)
        if finding is not None and finding.reason in UNACCEPTED_ALGORITHMS:
            return replace(known, integrity=Integrity.INTACT)
        finding = _as_document_fault(finding)
    else:
        finding = _check_detached(cms) or check_value(cms, "data", digest=digest)
    if finding is None:
        return replace(known, integrity=Integrity.INTACT)
    broken = finding.indication is Indication.TOTAL_FAILED
    return replace(
        known, finding=finding, integrity=Integrity.BROKEN if broken else Integrity.UNKNOWN
    )


def _as_document_fault(finding: Finding | None) -> Finding | None:
    """A document time-stamp that doesn't fit its document fails, for it has no other content."""
    return replace(finding, failed=True) if finding is not None else None


def _check_detached(cms: CmsSignature) -> Finding | None:
    """Require that the CMS carries no content of its own beside the document (ISO 32000-2
    §12.8.3.3.1): other verifiers would judge that instead."""
    content = cms.signed_data["encap_content_info"]["content"]
    if content is core.VOID or isinstance(content, core.Void):
        return None
    return Finding(
        reason=Reason.CONTENTS_INVALID,
        sub_indication=SubIndication.FORMAT_FAILURE,
        detail="the CMS carries its own content",
    )


def _unsupported(sub_filter: str) -> Finding:
    return Finding(
        reason=Reason.UNSUPPORTED_FORMAT,
        sub_indication=SubIndication.FORMAT_FAILURE,
        detail=f"/SubFilter {sub_filter[:64] or 'is missing'}",
    )


def _broken_structure(error: StructureError) -> Finding:
    return Finding(
        reason=error.reason, sub_indication=SubIndication.FORMAT_FAILURE, detail=str(error)
    )


def _stated_at(value: generic.DictionaryObject) -> datetime | None:
    try:
        stated = generic.parse_pdf_date(str(value["/M"]), strict=False)
        return stated.astimezone(UTC)
    except (*ENGINE_ERRORS, OverflowError):
        return None


def outside_streams(opened: Opened, places: tuple[int, ...]) -> tuple[int, ...]:
    """Return those of `places` that no stream contains: attachments may speak of anything."""
    xrefs = opened.reader.xrefs
    starts = sorted(
        start
        for revision in range(xrefs.total_revisions)
        for reference in xrefs.explicit_refs_in_revision(revision)
        if isinstance(start := xrefs.get_historical_ref(reference, revision), int)
    )

    def in_stream(place: int) -> bool:
        index = bisect_right(starts, place)
        return index > 0 and 0 <= stream_start(opened.document, starts[index - 1]) < place

    return tuple(place for place in places if not in_stream(place))
