"""Evidence that lasts: from judged paths into the document's own security store.

EN 319 142-1 §5.4.2 and §6.3: a B-LT signature carries in /DSS whatever its validation needs, the
certificates of each path up to the trust anchor's own (a verifier in thirty years may find it
nowhere else; it is never trusted for being there) and those of OCSP responders, OCSP responses
and CRLs. What the document holds already is not written again. There is no /VRI: §5.4.2.3 says
that it should not be used, and EU DSS and Adobe read the store without it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from pyhanko.pdf_utils import generic

from certs.errors import RevocationUnknown
from certs.revocation.evidence import RevocationEvidence, offers_revocation
from signer.creation.document_timestamps import declare_pades
from signer.creation.opening import document_errors, open_for_update, written_update
from signer.engine.reading import array, dictionary, empty_dictionary, raw
from signer.errors import DocumentMalformed
from signer.security_store import read_security_store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    from certs.paths.validation import PathVerdict
    from signer.source import Source


def proof_of(verdict: PathVerdict) -> RevocationEvidence:
    """Return what proves the path again, later and without any service.

    Only evidence that the judge counted is taken, never what a service merely answered. Raises
    the CertificateRefused of a verdict that is not VALID, and RevocationUnknown where a
    certificate below the anchor names nobody to ask: nothing could ever prove it good.
    """
    verdict.raise_for_status()
    if verdict.anchor is None:
        raise RevocationUnknown("a path without an anchor")
    trusted_itself = verdict.chain[:1] == (verdict.anchor.certificate,)
    for certificate in () if trusted_itself else verdict.chain:
        if not offers_revocation(certificate):
            raise RevocationUnknown(
                f"certificate {certificate.serial_number:x} names no service that could tell"
            )
    counted = verdict.evidence
    path = (*(_der(each) for each in verdict.chain), verdict.anchor.der)
    responders = (
        _der(each)
        for response in counted.ocsp_responses
        for each in ocsp.load_der_ocsp_response(response).certificates
    )
    return RevocationEvidence(
        ocsp_responses=counted.ocsp_responses,
        crls=counted.crls,
        certificates=tuple(dict.fromkeys((*path, *responders))),
    )


def end_of(evidence: RevocationEvidence) -> datetime:
    """Return when the first piece of the evidence ceases to be fresh; the end of time for none."""
    ends = [
        single.next_update_utc or single.this_update_utc
        for response in evidence.ocsp_responses
        for single in ocsp.load_der_ocsp_response(response).responses
    ]
    lists = (x509.load_der_x509_crl(each) for each in evidence.crls)
    ends += [each.next_update_utc or each.last_update_utc for each in lists]
    return min(ends, default=datetime.max.replace(tzinfo=UTC))


def store_update(
    source: Source, proof: RevocationEvidence, *, carried: Iterable[x509.Certificate] = ()
) -> bytes:
    """Return the update that brings the proof into the document's store, b"" if all is there.

    carried: certificates that the document's signatures hold; they need no second place (§6.3).
    Raises DocumentRefused.
    """
    with document_errors():
        writer = open_for_update(source)
        if not _add(writer, proof, carried=frozenset(map(_der, carried))):
            return b""
        return written_update(writer, source)


def _add(
    writer: IncrementalPdfFileWriter, proof: RevocationEvidence, *, carried: frozenset[bytes]
) -> bool:
    kept = read_security_store(writer.prev)
    known = carried | frozenset(map(_der, kept.certificates))
    lacking = {
        "/Certs": [each for each in proof.certificates if each not in known],
        "/OCSPs": [
            each for each in proof.ocsp_responses if each not in kept.evidence.ocsp_responses
        ],
        "/CRLs": [each for each in proof.crls if each not in kept.evidence.crls],
    }
    if not any(lacking.values()):
        return False
    store = _store(writer)
    for key, items in lacking.items():
        if items:
            streams = [writer.add_object(generic.StreamObject(stream_data=each)) for each in items]
            present = array(raw(store, key)) or ()
            store[generic.NameObject(key)] = generic.ArrayObject([*present, *streams])
    writer.update_container(store)
    declare_pades(writer)
    return True


def _store(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    """Return the dictionary under /DSS, a new one where the document has none."""
    catalog = writer.root
    if "/DSS" in catalog:
        store = dictionary(raw(catalog, "/DSS"))
        if store is None:
            raise DocumentMalformed("/DSS is no dictionary")
        return store
    store = empty_dictionary()
    store[generic.NameObject("/Type")] = generic.NameObject("/DSS")
    catalog[generic.NameObject("/DSS")] = writer.add_object(store)
    writer.update_root()  # type: ignore[no-untyped-call]
    return store


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
