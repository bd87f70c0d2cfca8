"""Assessing a document: bytes, trust store, evidence and an instant in, a report out (pure).

The document's verdict is the worst of: what its signatures' indications say (EN 319 102-1), what
the structure of the file says, and what changed after each signature. Nothing is fetched, the
operating system's trust is never asked, and no document makes it raise.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType

from certs.anchors import TrustStore
from certs.revocation import RevocationEvidence
from signer import limits as limits_module
from signer.document import StructureError, admit, check_end, count_byte_ranges, has_tail
from signer.engine import accelerated, open_document
from signer.errors import (
    DocumentEncrypted,
    DocumentMalformed,
    DocumentRefused,
    DocumentTruncated,
    SignatureInvalid,
    SignatureMissing,
    SignatureUndetermined,
)
from signer.examining import Examined, Opened, examine, outside_streams
from signer.findings import Finding
from signer.judging import DocumentFacts, Judged, judge_all
from signer.limits import DocumentLimits
from signer.reasons import Reason
from signer.reference_tables import object_named_twice
from signer.report import Report
from signer.security_store import read_security_store
from signer.signature_fields import signature_fields
from signer.trust import Circumstances
from signer.verdicts import Indication, SignatureKind, SubIndication, Verdict

_DETAIL_CHARACTERS: Final = 500


def assess(
    document: bytes,
    *,
    store: TrustStore,
    evidence: RevocationEvidence | None = None,
    at: datetime,
    limits: DocumentLimits = limits_module.DEFAULT,
) -> Report:
    """Judge all signatures of `document` at the instant `at` (aware, UTC) and return the report.

    store: whom to trust, nobody else. evidence: OCSP responses and CRLs at hand; what is missing
    is named in the report. Never raises for anything in the document; MemoryError passes, so that
    the sandbox can tell a limit from a verdict.
    """
    blank = Report(
        sha256=hashlib.sha256(document).hexdigest(),
        size_bytes=len(document),
        verdict=Verdict.UNREADABLE,
        judged_at=at,
        trust_version=store.version,
    )
    circumstances = Circumstances(store=store, evidence=evidence or RevocationEvidence(), at=at)
    try:
        admit(document, limits)
        with accelerated():
            opened = Opened(document=document, reader=_open(document), limits=limits)
            return _assess_opened(opened, blank, circumstances=circumstances)
    except DocumentRefused as refusal:
        return _refused(blank, refusal, document=document)
    except MemoryError:
        raise
    except Exception as error:  # the engine raises anything, also zlib.error
        malformed = DocumentMalformed(f"{type(error).__name__}: {error}"[:_DETAIL_CHARACTERS])
        return _refused(blank, malformed, document=document)


def verify(
    document: bytes,
    *,
    store: TrustStore,
    evidence: RevocationEvidence | None = None,
    at: datetime,
    limits: DocumentLimits = limits_module.DEFAULT,
) -> Report:
    """Assess the document and return the report when it is VALID, raise VerificationFailed else.

    SignatureMissing, SignatureUndetermined or SignatureInvalid carry the report.
    """
    report = assess(document, store=store, evidence=evidence, at=at, limits=limits)
    require_valid(report)
    return report


def require_valid(report: Report) -> None:
    """Raise the VerificationFailed that belongs to the report's verdict, unless it is VALID."""
    if report.verdict is Verdict.VALID:
        return
    failure = {
        Verdict.UNSIGNED: SignatureMissing,
        Verdict.INDETERMINATE: SignatureUndetermined,
    }.get(report.verdict, SignatureInvalid)
    raise failure(report, report.reason)


def _open(document: bytes) -> PdfFileReader:
    reader = open_document(document)
    if reader.encrypt_dict is not None:
        raise DocumentEncrypted
    return reader


def _refused(blank: Report, refusal: DocumentRefused, *, document: bytes) -> Report:
    """Report a document that can't be read; a signed one with something behind it is forged."""
    if (
        isinstance(refusal, DocumentTruncated)
        and has_tail(document)
        and count_byte_ranges(document)
    ):
        return replace(
            blank,
            verdict=Verdict.INVALID,
            reason=Reason.TRAILING_DATA.value,
            detail="bytes follow the last end marker",
        )
    return replace(blank, reason=refusal.reason, detail=refusal.detail)


def _assess_opened(opened: Opened, blank: Report, *, circumstances: Circumstances) -> Report:
    reader, limits = opened.reader, opened.limits
    fields = signature_fields(reader)
    filled = [field for field in fields if field.signed]
    byte_ranges = count_byte_ranges(opened.document)
    if not filled and not byte_ranges:
        return replace(blank, verdict=Verdict.UNSIGNED, reason=Reason.UNSIGNED.value)
    unjudged = max(0, len(filled) - limits.max_signatures)
    examined = _in_order_of_signing(
        examine(opened, field) for field in filled[: limits.max_signatures]
    )
    carried = read_security_store(reader)
    facts = DocumentFacts(
        opened=opened,
        circumstances=circumstances.with_found(carried.evidence, carried.certificates),
        empty_visible=frozenset(
            field.state for field in fields if field.visible and not field.signed
        ),
        long_term=carried.serves_long_term,
        fault=_document_fault(opened, examined, byte_ranges=byte_ranges, unjudged=unjudged),
    )
    judged = judge_all(facts, examined)
    return _concluded(blank, judged, fault=facts.fault, too_many=unjudged > 0)


def _in_order_of_signing(examined: Iterable[Examined]) -> tuple[Examined, ...]:
    """Return the signatures by what they cover: later ones cover more; the broken ones last."""
    return tuple(
        sorted(
            examined,
            key=lambda entry: entry.signed_range.end if entry.signed_range else sys.maxsize,
        )
    )


def _document_fault(
    opened: Opened,
    examined: tuple[Examined, ...],
    *,
    byte_ranges: tuple[int, ...],
    unjudged: int,
) -> Finding | None:
    """Return what is wrong with the document as a whole, beyond any one signature.

    unjudged: signatures over the limit, which nobody looked at.
    """
    document, reader = opened.document, opened.reader
    containers = [
        reader.xrefs.get_xref_container_info(number)
        for number in range(reader.xrefs.total_revisions)
    ]
    # A linearized file has its newest table in front: the last in the file is what ends it.
    last = max(containers, key=lambda container: container.end_location)
    try:
        check_end(
            document,
            container_end=last.end_location,
            end=len(document),
            is_stream=last.xref_section_type is XRefSectionType.STREAM,
        )
    except StructureError as error:
        return _fault(error.reason, str(error))
    repeated = object_named_twice(reader, document)
    if repeated is not None:
        return _fault(
            Reason.DOCUMENT_ALTERED, f"a cross-reference section names object {repeated} twice"
        )
    known = {entry.byte_range_at for entry in examined if entry.byte_range_at is not None}
    unlocated = sum(1 for entry in examined if entry.byte_range_at is None)
    # The key stands just before its value.
    strays = tuple(at for at in byte_ranges if not any(0 < place - at < 64 for place in known))
    allowed = unlocated + unjudged
    if len(strays) > allowed:
        strays = outside_streams(opened, strays)
    if len(strays) > allowed:
        return _fault(
            Reason.SIGNATURE_REMOVED,
            f"{len(strays)} signature dictionaries in the file that its form does not show",
        )
    if sum(entry.locks.certifies for entry in examined) > 1:
        return _fault(Reason.TOO_MANY_CERTIFICATIONS, "more than one certification signature")
    return None


def _fault(reason: Reason, detail: str) -> Finding:
    return Finding(
        reason=reason, sub_indication=SubIndication.FORMAT_FAILURE, detail=detail, failed=True
    )


def _concluded(
    blank: Report, judged: tuple[Judged, ...], *, fault: Finding | None, too_many: bool
) -> Report:
    """Return the report whose verdict is the worst of all findings."""
    reports = tuple(entry.report for entry in judged)
    missing = tuple(dict.fromkeys(request for entry in judged for request in entry.missing))
    report = replace(blank, signatures=reports, missing=missing)
    if fault is not None:
        return replace(
            report, verdict=Verdict.INVALID, reason=fault.reason.value, detail=fault.detail
        )
    for indication, verdict in (
        (Indication.TOTAL_FAILED, Verdict.INVALID),
        (Indication.INDETERMINATE, Verdict.INDETERMINATE),
    ):
        for entry in reports:
            if entry.indication is indication:
                return replace(report, verdict=verdict, reason=entry.reason, detail=entry.detail)
    if too_many:
        return replace(
            report,
            verdict=Verdict.INDETERMINATE,
            reason=Reason.TOO_MANY_SIGNATURES.value,
            detail="not all signatures were judged",
        )
    if all(entry.kind is SignatureKind.DOC_TIMESTAMP for entry in reports):
        # A time-stamp proves when, and is nobody's signature.
        return replace(
            report,
            verdict=Verdict.UNSIGNED,
            reason=Reason.UNSIGNED.value,
            detail="there are only document time-stamps",
        )
    return replace(report, verdict=Verdict.VALID)
