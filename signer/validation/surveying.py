"""What a document's signatures are by themselves: found, examined, not yet trusted (pure).

Trust, time and later changes are judged from here on (`signer.validation.judging`); whoever extends
a signature looks here for what it consists of.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from pyhanko.pdf_utils.xref import XRefSectionType

from signer import limits as limits_module
from signer.document import StructureError, admit, check_end, count_byte_ranges
from signer.engine.reading import open_document, unlock
from signer.errors import DocumentEncrypted
from signer.limits import DocumentLimits
from signer.reasons import Reason
from signer.security_store import SecurityStore, read_security_store
from signer.signature_fields import FieldState, signature_fields
from signer.validation.examining import Examined, Opened, examine, outside_streams
from signer.validation.findings import Finding
from signer.validation.reference_tables import object_named_twice
from signer.verdicts import SubIndication


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A document, its signatures in the order of signing, and what it carries for them.

    signed: whether there is any signature, or a trace of one. empty_visible: the visible
    signature fields that nobody filled. unjudged: signatures over the limit, which nobody looked
    at. fault: what is wrong with the document as a whole, beyond any one signature.
    """

    opened: Opened
    signed: bool
    examined: tuple[Examined, ...] = ()
    carried: SecurityStore
    empty_visible: frozenset[FieldState] = frozenset()
    unjudged: int = 0
    fault: Finding | None = None


def survey(document: bytes, limits: DocumentLimits = limits_module.DEFAULT) -> Survey:
    """Open the document and examine each signature in it.

    Raises DocumentRefused, and whatever the engine raises over a document that it can't read; to
    be called within `engine.accelerated()`.
    """
    admit(document, limits)
    reader = open_document(document)
    if reader.encrypt_dict is not None and not unlock(reader):
        raise DocumentEncrypted
    opened = Opened(document=document, reader=reader, limits=limits)
    carried = read_security_store(reader)
    fields = signature_fields(reader)
    filled = [field for field in fields if field.signed]
    byte_ranges = count_byte_ranges(document)
    if not filled and not byte_ranges:
        return Survey(opened=opened, signed=False, carried=carried)
    unjudged = max(0, len(filled) - limits.max_signatures)
    examined = _in_order_of_signing(
        examine(opened, field) for field in filled[: limits.max_signatures]
    )
    return Survey(
        opened=opened,
        signed=True,
        examined=examined,
        carried=carried,
        empty_visible=frozenset(
            field.state for field in fields if field.visible and not field.signed
        ),
        unjudged=unjudged,
        fault=_document_fault(opened, examined, byte_ranges=byte_ranges, unjudged=unjudged),
    )


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
