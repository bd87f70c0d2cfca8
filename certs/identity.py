"""From a certificate to the person or organisation it names, and to the endpoint it speaks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from certs.errors import IdentityUnreadable
from certs.parsing import DAMAGE

ENDPOINT_URN = "urn:congvan:endpoint:"
# QCVN 102:2016/BTTTT gives OrganId at most 35 characters; the letters are those of its examples.
_ENDPOINT_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,33}[A-Za-z0-9])?")
_ORGANIZATION_IDENTIFIER = NameOID.ORGANIZATION_IDENTIFIER
_PERSONAL_ATTRIBUTES = (
    NameOID.GIVEN_NAME,
    NameOID.SURNAME,
    NameOID.PSEUDONYM,
    NameOID.TITLE,
)
# ETSI EN 319 412-1 §5.1.3 (passport, identity card, personal and tax number of a person), and the
# words Vietnamese authorities put before an identity card's or a passport's number.
_PERSONAL_NUMBER = re.compile(
    r"(?:PAS|IDC|PNO|TIN)[A-Z]{2}-|(?:CMND|CCCD|HC|CMT|CC):", re.IGNORECASE
)


class IdentityKind(StrEnum):
    """Whether a certificate names a natural person or an organisation."""

    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerIdentity:
    """Whom a certificate names, in the words of its subject; what the subject lacks is empty."""

    kind: IdentityKind
    common_name: str
    organisation: str = ""
    unit: str = ""
    position: str = ""
    country: str = ""
    serial_number: str = ""
    organisation_identifier: str = ""


@lru_cache(maxsize=1024)
def identify(certificate: x509.Certificate) -> SignerIdentity:
    """The holder named by the certificate's subject.

    An organisation is what carries organizationIdentifier (2.5.4.97, EN 319 412-3 §4.2.1) or no
    personal attribute at all: no given name, surname, title, pseudonym, nor a personal number in
    serialNumber or UID. Everything else is a person.
    Raises IdentityUnreadable when the subject cannot be parsed or has no common name.
    """
    try:
        subject = certificate.subject
        values = {name: _joined(subject, name) for name in _SUBJECT_ATTRIBUTES}
        personal = any(subject.get_attributes_for_oid(name) for name in _PERSONAL_ATTRIBUTES)
    except DAMAGE as error:
        raise IdentityUnreadable("the subject cannot be parsed") from error
    common_name = values[NameOID.COMMON_NAME]
    if not common_name:
        raise IdentityUnreadable("the subject has no common name")
    numbers = (values[NameOID.SERIAL_NUMBER], values[NameOID.USER_ID])
    personal = personal or any(_PERSONAL_NUMBER.match(number) for number in numbers)
    identifier = values[_ORGANIZATION_IDENTIFIER]
    return SignerIdentity(
        kind=IdentityKind.PERSON if personal and not identifier else IdentityKind.ORGANISATION,
        common_name=common_name,
        organisation=values[NameOID.ORGANIZATION_NAME],
        unit=values[NameOID.ORGANIZATIONAL_UNIT_NAME],
        position=values[NameOID.TITLE],
        country=values[NameOID.COUNTRY_NAME],
        serial_number=values[NameOID.SERIAL_NUMBER] or values[NameOID.USER_ID],
        organisation_identifier=identifier,
    )


_SUBJECT_ATTRIBUTES = (
    NameOID.COMMON_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.TITLE,
    NameOID.COUNTRY_NAME,
    NameOID.SERIAL_NUMBER,
    NameOID.USER_ID,
    _ORGANIZATION_IDENTIFIER,
)


def _joined(subject: x509.Name, name: x509.ObjectIdentifier) -> str:
    attributes = subject.get_attributes_for_oid(name)
    return ", ".join(_readable(attribute.value) for attribute in attributes)


def _readable(value: str | bytes) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    # Line breaks and other control characters in a name would forge lines in logs and reports.
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def endpoint_code(certificate: x509.Certificate) -> str:
    """The code of the endpoint that holds this TLS certificate.

    The certificate must carry exactly one URI among its subject alternative names, of the form
    urn:congvan:endpoint:<code>. A DNS or mail name of the same letters never counts, neither does
    the common name. Raises IdentityUnreadable otherwise.
    """
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise IdentityUnreadable("there is no subject alternative name") from error
    except DAMAGE as error:
        raise IdentityUnreadable("the extensions cannot be parsed") from error
    uris = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    if len(uris) != 1:
        raise IdentityUnreadable(f"{len(uris)} URI names instead of one")
    code = uris[0].removeprefix(ENDPOINT_URN)
    if code == uris[0] or not _ENDPOINT_CODE.fullmatch(code):
        raise IdentityUnreadable(f"the URI name is not {ENDPOINT_URN}<code>")
    return code


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 over the certificate's DER, 64 hexadecimal digits in lower case."""
    return certificate.fingerprint(hashes.SHA256()).hex()
