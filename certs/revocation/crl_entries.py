"""The entries of a CRL that name given certificates, found without building all others (pure).

A national authority's list has tens of thousands of entries, and a verdict needs those about one
path. Reading them all as objects took a third of a second for 20 000, nearly all of the time to
verify a document; looking for the serial numbers in the bytes takes a thousandth of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from asn1crypto.core import Integer
from asn1crypto.crl import CertificateList, RevokedCertificate
from asn1crypto.x509 import Certificate

_SEQUENCE: Final = 0x30
_LONG_FORM: Final = 0x80
# id-ce-certificateIssuer (RFC 5280 §5.3.3), 2.5.29.29, as the library looks for it.
_CERTIFICATE_ISSUER: Final = bytes.fromhex("0603551d1d")


def encoded_serial(serial: int) -> bytes:
    """A serial number as it stands in certificates and CRLs: INTEGER, DER."""
    return bytes(Integer(serial).dump())


def narrowed(der: bytes, certificates: Sequence[Certificate]) -> CertificateList:
    """The CRL with all its bytes, of whose entries only those about the certificates are read.

    For pyhanko-certvalidator, whose `find_cert_in_list` builds every entry and leaves those alone
    whose serial number is another one byte by byte. So an entry whose bytes do not begin with one
    of the serial numbers can be left out, as long as no other certificate is looked up in it: the
    caller names all that the library was given. Entries count in another way only where one of
    them has the extension certificateIssuer, which then holds for those after it; such a list is
    left whole. Signature, issuer, dates and extensions are judged on the whole bytes as ever:
    `dump()` of the list and of its signed part gives what was loaded.
    """
    crl = CertificateList.load(der)
    revoked = crl["tbs_cert_list"]["revoked_certificates"]
    content = revoked.contents  # None where the optional field is absent
    if not content or _CERTIFICATE_ISSUER in content:
        return crl
    serials = {bytes(each["tbs_certificate"]["serial_number"].dump()) for each in certificates}
    entries = _entries(content, serials)
    if entries is not None:
        revoked.children = [RevokedCertificate.load(each) for each in entries]
    return crl


def _entries(content: bytes, serials: set[bytes]) -> list[bytes] | None:
    """The entries that begin with one of the serial numbers, None where the form is unusual."""
    # An entry holds its serial number's bytes: where they are nowhere, there is no such entry.
    named = tuple(each for each in serials if each in content)
    if not named:
        return []
    found = []
    at, end = 0, len(content)
    while at < end:
        begun = at
        if content[at] != _SEQUENCE or at + 2 > end:
            return None
        length, at = content[at + 1], at + 2
        if length >= _LONG_FORM:
            octets = length - _LONG_FORM
            if not 1 <= octets <= 4:  # 0 is BER's indefinite length
                return None
            length, at = int.from_bytes(content[at : at + octets]), at + octets
        if content.startswith(named, at):
            found.append(content[begun : at + length])
        at += length
    return found if at == end else None
