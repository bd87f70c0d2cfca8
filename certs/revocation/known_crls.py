"""CRLs parsed and checked once: a process meets the same few lists for every document (pure)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs.parsing import DAMAGE
from certs.revocation.crl_entries import encoded_serial

KEPT_CRLS: Final = 16
KEPT_BYTES: Final = 32 * 1024 * 1024
"""Of all lists kept together. A sandbox process has them beside a document, within its memory."""


class KnownCrl:
    """One CRL, parsed. Whose signature it has is checked once for each key.

    Raises what cryptography raises over damage, when it is made or later.
    """

    __slots__ = ("_signed_by", "der", "is_partial", "parsed")

    def __init__(self, der: bytes) -> None:
        self.der = der
        self.parsed = x509.load_der_x509_crl(der)
        self.is_partial = _is_partial(self.parsed)
        self._signed_by: dict[bytes, bool] = {}

    def entry(self, serial: int) -> x509.RevokedCertificate | None:
        """What the list says about the serial number, None where it does not name it."""
        # cryptography reads DER only and goes through all entries: where the serial number's
        # bytes are nowhere in the list, no entry has it.
        if encoded_serial(serial) not in self.der:
            return None
        return self.parsed.get_revoked_certificate_by_serial_number(serial)

    def is_signed_by(self, issuer: x509.Certificate) -> bool:
        """Whether the issuer's key signed these bytes, however strong key and digest are."""
        spki = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        known = self._signed_by.get(spki)
        if known is None:
            known = self._signed_by[spki] = _is_signed_by(self.parsed, issuer)
            if known:
                _keep(self)
        return known

    def require_signed(self, key_info: bytes, require: Callable[[], None]) -> None:
        """Do what `require` does, once only where it raises nothing.

        It verifies the signature with the key of this SubjectPublicKeyInfo (DER), and raises
        something where that is not good.
        """
        if not self._signed_by.get(key_info):
            require()
            self._signed_by[key_info] = True
            _keep(self)


def known_crl(der: bytes) -> KnownCrl:
    """The CRL, as it is kept or parsed anew. Raises one of DAMAGE over what is none."""
    with _lock:
        if (kept := _kept.get(der)) is not None:
            _kept.move_to_end(der)
            return kept
    return KnownCrl(der)


# By the bytes themselves: equal bytes are the same list, whatever a digest may be worth. Only what
# an issuer on the way to an anchor has signed is kept, so no stranger pushes out what is used.
_kept: OrderedDict[bytes, KnownCrl] = OrderedDict()
_lock = threading.Lock()


def _keep(crl: KnownCrl) -> None:
    if len(crl.der) > KEPT_BYTES:
        return
    with _lock:
        _kept[crl.der] = crl
        while len(_kept) > KEPT_CRLS or sum(map(len, _kept)) > KEPT_BYTES:
            _kept.popitem(last=False)


def forget() -> None:
    """Forget all lists."""
    with _lock:
        _kept.clear()


def _is_signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except DAMAGE:
        return False


def _is_partial(crl: x509.CertificateRevocationList) -> bool:
    for extension in crl.extensions:
        match extension.value:
            case x509.DeltaCRLIndicator():
                return True
            case x509.IssuingDistributionPoint() as point:
                if point.indirect_crl or point.only_contains_attribute_certs:
                    return True
    return False
