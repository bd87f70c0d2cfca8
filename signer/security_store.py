"""The document security store: evidence that the document itself carries (pure).

PAdES EN 319 142-1 §5.4.2: /DSS with /Certs, /OCSPs and /CRLs, arrays of streams. What is found is
material to be judged, never trusted by itself; what can't be read is evidence that is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from certs.parsing import DAMAGE
from certs.revocation.evidence import RevocationEvidence
from signer.engine.reading import ENGINE_ERRORS, array, dictionary, raw

MAX_ITEMS: Final = 200
"""Certificates, OCSP responses or CRLs read from one store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityStore:
    """What the document carries for its own verification; empty where it has no store."""

    evidence: RevocationEvidence = field(default_factory=RevocationEvidence)
    certificates: tuple[x509.Certificate, ...] = ()

    @property
    def serves_long_term(self) -> bool:
        """Whether it holds what level B-LT needs: certificates and revocation evidence."""
        return bool(self.certificates) and bool(self.evidence)


def read_security_store(reader: PdfFileReader | HistoricalResolver) -> SecurityStore:
    """Return what the /DSS of the document, or of one of its revisions, holds."""
    try:
        store = dictionary(raw(reader.root, "/DSS"))
    except ENGINE_ERRORS:
        return SecurityStore()
    if store is None:
        return SecurityStore()
    certificates: list[x509.Certificate] = []
    for content in _streams(store, "/Certs"):
        try:
            certificates.append(x509.load_der_x509_certificate(content))
        except DAMAGE:
            continue
    return SecurityStore(
        evidence=RevocationEvidence(
            ocsp_responses=_streams(store, "/OCSPs"), crls=_streams(store, "/CRLs")
        ),
        certificates=tuple(certificates),
    )


def _streams(store: generic.DictionaryObject, key: str) -> tuple[bytes, ...]:
    found: list[bytes] = []
    try:
        entries = array(raw(store, key)) or ()
        for entry in list(entries)[:MAX_ITEMS]:
            stream = dictionary(entry)
            if isinstance(stream, generic.StreamObject):
                found.append(bytes(stream.data))
    except ENGINE_ERRORS:
        return tuple(found)
    return tuple(found)
