"""Finding what was let pass in a file and in a signature's container, to name it (pure).

The rules that tolerate stand where they are applied; here is only who needed them. What later
revisions needed, `signer.validation.changes` tells by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from asn1crypto import cms, core
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType
from pyhanko.sign.general import find_cms_attribute_iter

from signer.document import StructureError, comment_before_end
from signer.engine.own_numbers import stream_number_reused
from signer.engine.reading import ENGINE_ERRORS
from signer.engine.rsa_moduli import with_unsigned_modulus
from signer.leniencies import Leniency
from signer.validation.cms_signatures import CmsError, CmsSignature, read_signed_data
from signer.validation.examining import Examined, Opened

_INDEFINITE_LENGTH: Final = b"\x30\x80"
_ODD_ROW: Final = re.compile(rb"\d{5} [nf](?! \r| \n|\r\n)")
_SPACE: Final = b"\x00\t\n\x0c\r "


def of_file(opened: Opened) -> frozenset[Leniency]:
    """Return what was let pass in the file itself, which concerns every signature in it."""
    try:
        return frozenset(_of_file(opened.document, opened.reader))
    except (*ENGINE_ERRORS, StructureError):
        return frozenset()  # somebody's fault, which is reported as that


def _of_file(document: bytes, reader: PdfFileReader) -> Iterator[Leniency]:
    xrefs = reader.xrefs
    if stream_number_reused(reader):
        yield Leniency.STREAM_NUMBER_REUSED
    if xrefs.hybrid_xrefs_present:
        yield Leniency.HYBRID_REFERENCES
    for revision in range(xrefs.total_revisions):
        section = xrefs.get_xref_container_info(revision)
        is_stream = section.xref_section_type is XRefSectionType.STREAM
        if not is_stream and _ODD_ROW.search(
            document, section.start_location, section.end_location
        ):
            yield Leniency.TABLE_ROWS_UNEVEN
        startxref = xrefs.get_startxref_for_revision(revision)
        if document[startxref : startxref + 1] in _SPACE and startxref < len(document):
            yield Leniency.STARTXREF_EARLY
        if comment_before_end(document, container_end=section.end_location, is_stream=is_stream):
            yield Leniency.COMMENT_BEFORE_END


def of_signature(entry: Examined) -> frozenset[Leniency]:
    """Return what was let pass in a signature's dictionary and container."""
    found = set()
    if entry.is_timestamp and entry.type_name == "/Sig":
        found.add(Leniency.TIMESTAMP_TYPED_SIG)
    if entry.space_after:
        found.add(Leniency.WHITE_SPACE_AFTER_END)
    if entry.cms is None or entry.signed_range is None:
        return frozenset(found)
    if entry.signed_range.cms.startswith(_INDEFINITE_LENGTH):
        found.add(Leniency.BER_ENCODING)
    try:
        found.update(_of_cms(entry.cms))
        for token in entry.cms.timestamp_tokens():
            found.update(_of_cms(read_signed_data(token)))
    except (*ENGINE_ERRORS, CmsError):
        pass  # a container that can't be read further is reported as that
    return frozenset(found)


def _of_cms(signature: CmsSignature) -> Iterator[Leniency]:
    if _is_unsorted(signature.signer_info["signed_attrs"]):
        yield Leniency.ATTRIBUTES_UNSORTED
    key = signature.certificate.public_key
    if with_unsigned_modulus(key) is not key:
        yield Leniency.NEGATIVE_MODULUS
    if signature.names_digest_by_scheme:
        yield Leniency.SCHEME_AS_DIGEST
    if _named_by_sha1(signature.signer_info["signed_attrs"]):
        yield Leniency.CERTIFICATE_NAMED_BY_SHA1


def _is_unsorted(attributes: cms.CMSAttributes | core.Void) -> bool:
    """Whether a SET OF is in another order than DER's: by the bytes of its elements."""
    if isinstance(attributes, core.Void):
        return False
    encoded = [each.dump() for each in attributes]
    return encoded != sorted(encoded)


def _named_by_sha1(attributes: cms.CMSAttributes | core.Void) -> bool:
    if isinstance(attributes, core.Void):
        return False
    newer = next(iter(find_cms_attribute_iter(attributes, "signing_certificate_v2")), None)
    older = next(iter(find_cms_attribute_iter(attributes, "signing_certificate")), None)
    return newer is None and older is not None
