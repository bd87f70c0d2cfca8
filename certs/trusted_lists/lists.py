"""Trusted lists of ETSI TS 119 612: whose services a state vouches for, and since when (pure).

Read with lxml from what the signature covers, not with pyHanko's generated bindings: those skip
what they do not know, ask neither for NextUpdate nor for the sequence number, and hold no windows.
Every function here may meet a stranger's bytes: callers run `read_trusted_list` in a sandbox.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from certs.errors import TrustedListExpired, TrustedListSignatureInvalid, TrustedListUnreadable
from certs.parsing import DAMAGE
from certs.trusted_lists.parsing import TSL
from certs.trusted_lists.signatures import signed_list

VERSIONS: Final = frozenset({5, 6})
"""TSLVersionIdentifier (§5.3.1) of TS 119 612 v2.1.1 to v2.4.1."""
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
_SIE: Final = "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"
_PUBLIC_KEY: Final = PublicFormat.SubjectPublicKeyInfo
_XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
# Extensions that tell something and take nothing away, critical or not (§5.5.9.1, §5.5.9.3).
_HARMLESS: Final = frozenset(
    {
        f"{{{TSL}}}ExpiredCertsRevocationInfo",
        "{http://uri.etsi.org/02231/v2/additionaltypes#}TakenOverBy",
    }
)
# Qualifiers that tell where the key lies (§5.5.9.2.3); all others change what a certificate is for.
_ABOUT_DEVICES: Final = frozenset(
    f"http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/{name}"
    for name in (
        "QCWithSSCD",
        "QCNoSSCD",
        "QCSSCDStatusAsInCert",
        "QCWithQSCD",
        "QCNoQSCD",
        "QCQSCDStatusAsInCert",
        "QCQSCDManagedOnBehalf",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """What a service was from an instant on: its type and status, as URIs."""

    since: datetime
    kind: str
    status: str
    purposes: frozenset[str] = frozenset()
    """URIs of AdditionalServiceInformation (§5.5.9.4): for signatures, for seals."""
    understood: bool = True
    """False where an extension narrows the service in a way that is not evaluated here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedService:
    """A service of a trusted list with its certificates (DER) and its states, oldest first."""

    provider: str
    name: str
    certificates: tuple[bytes, ...]
    states: tuple[ServiceState, ...]
    damage: str = ""
    """What of it could not be read; such a service counts for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPointer:
    """Another trusted list, as this one names it: where it is, and who may sign it (DER)."""

    location: str
    territory: str
    signers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedList:
    """A trusted list whose signature was verified, at a time when it was current."""

    sha256: str
    """Of the file (hex)."""
    sequence: int
    kind: str
    territory: str
    operator: str
    issued_at: datetime
    next_update_at: datetime
    signer: bytes
    """The certificate (DER) that signed it: one of those that were given."""
    services: tuple[ListedService, ...] = ()
    pointers: tuple[ListPointer, ...] = ()


def read_trusted_list(
    content: bytes, *, signers: tuple[bytes, ...], at: datetime, with_pointers: bool = False
) -> TrustedList:
    """Read a trusted list that one of these certificates (DER) signed and that is current.

    with_pointers: read the other lists that it names too, which nobody else than the caller
    follows. Raises TrustedListUnreadable, TrustedListSignatureInvalid, TrustedListExpired.
    """
    try:
        given = [x509.load_der_x509_certificate(each) for each in signers]
    except DAMAGE as error:
        raise TrustedListSignatureInvalid("a signer's certificate can't be read") from error
    root, signer = signed_list(content, signers=given, at=at)
    scheme = _only(root, "SchemeInformation")
    version = _number(scheme, "TSLVersionIdentifier")
    if version not in VERSIONS:
        raise TrustedListUnreadable(f"version {version} of the format")
    found = TrustedList(
        sha256=hashlib.sha256(content).hexdigest(),
        sequence=_number(scheme, "TSLSequenceNumber"),
        kind=_text(_only(scheme, "TSLType")),
        territory=_text(_only(scheme, "SchemeTerritory")),
        operator=_name(_only(scheme, "SchemeOperatorName")),
        issued_at=_instant(_only(scheme, "ListIssueDateTime")),
        next_update_at=_next_update(scheme),
        signer=signer.public_bytes(Encoding.DER),
        services=tuple(_services(root)),
        pointers=tuple(_pointers(scheme)) if with_pointers else (),
    )
    # §5.3.15: after NextUpdate the list says nothing about the present any more.
    if at > found.next_update_at:
        raise TrustedListExpired(f"its next one was due by {found.next_update_at.isoformat()}")
    if found.issued_at > at + CLOCK_TOLERANCE or found.issued_at >= found.next_update_at:
        raise TrustedListExpired(f"it says it was issued at {found.issued_at.isoformat()}")
    return found


def _services(root: etree._Element) -> Iterator[ListedService]:
    lists = root.findall(f"{{{TSL}}}TrustServiceProviderList")
    if len(lists) > 1:
        raise TrustedListUnreadable("two lists of providers")
    for provider in lists[0].iterfind(f"{{{TSL}}}TrustServiceProvider") if lists else ():
        name = _name(_only(_only(provider, "TSPInformation"), "TSPName"))
        for service in _only(provider, "TSPServices").iterfind(f"{{{TSL}}}TSPService"):
            yield _service(service, name)


def _service(service: etree._Element, provider: str) -> ListedService:
    information = _only(service, "ServiceInformation")
    name = _name(_only(information, "ServiceName"))
    try:
        past = service.findall(f"{{{TSL}}}ServiceHistory/{{{TSL}}}ServiceHistoryInstance")
        # §5.5.10: the history goes back in time, its latest instance first.
        states = [_state(each) for each in (information, *past)][::-1]
        if any(not earlier.since < later.since for earlier, later in pairwise(states)):
            raise TrustedListUnreadable("its history is out of order")
        certificates = _certificates(_only(information, "ServiceDigitalIdentity"))
    except TrustedListUnreadable as error:
        return ListedService(
            provider=provider, name=name, certificates=(), states=(), damage=error.detail
        )
    return ListedService(
        provider=provider, name=name, certificates=certificates, states=tuple(states)
    )


def _state(element: etree._Element) -> ServiceState:
    purposes: set[str] = set()
    understood = True
    for extension in element.iterfind(f"{{{TSL}}}ServiceInformationExtensions/{{{TSL}}}Extension"):
        critical = extension.get("Critical") not in {"false", "0"}
        for child in extension.iterchildren(etree.Element):
            if child.tag == f"{{{TSL}}}AdditionalServiceInformation":
                purposes.add(_text(_only(child, "URI")))
            elif child.tag == f"{{{_SIE}}}Qualifications":
                understood = understood and _about_devices_alone(child)
            elif critical and child.tag not in _HARMLESS:
                understood = False
    return ServiceState(
        since=_instant(_only(element, "StatusStartingTime")),
        kind=_text(_only(element, "ServiceTypeIdentifier")),
        status=_text(_only(element, "ServiceStatus")),
        purposes=frozenset(purposes),
        understood=understood,
    )


def _about_devices_alone(qualifications: etree._Element) -> bool:
    found = [each.get("uri") for each in qualifications.iter(f"{{{_SIE}}}Qualifier")]
    return bool(found) and all(uri in _ABOUT_DEVICES for uri in found)


def _certificates(identity: etree._Element) -> tuple[bytes, ...]:
    """The certificates of one service, which must all be of one key (§5.5.3)."""
    found: list[bytes] = []
    keys = set()
    for element in identity.iterfind(f"{{{TSL}}}DigitalId/{{{TSL}}}X509Certificate"):
        try:
            der = b64decode("".join(_text(element).split()), validate=True)
            certificate = x509.load_der_x509_certificate(der)
            keys.add(certificate.public_key().public_bytes(Encoding.DER, _PUBLIC_KEY))
        except (*DAMAGE, binascii.Error) as error:
            raise TrustedListUnreadable("a certificate that can't be read") from error
        if der not in found:
            found.append(der)
    if len(keys) != 1:
        raise TrustedListUnreadable(
            "no certificate" if not keys else "certificates of several keys"
        )
    return tuple(found)


def _pointers(scheme: etree._Element) -> Iterator[ListPointer]:
    for pointer in scheme.iterfind(f"{{{TSL}}}PointersToOtherTSL/{{{TSL}}}OtherTSLPointer"):
        territories = [
            _text(each)
            for each in pointer.iterfind(
                f"{{{TSL}}}AdditionalInformation/{{{TSL}}}OtherInformation/{{{TSL}}}SchemeTerritory"
            )
        ]
        signers: list[bytes] = []
        for identity in pointer.iterfind(
            f"{{{TSL}}}ServiceDigitalIdentities/{{{TSL}}}ServiceDigitalIdentity"
        ):
            try:
                signers += _certificates(identity)
            except TrustedListUnreadable:
                # A signer that can't be read can't be pinned; the others still can.
                continue
        yield ListPointer(
            location=_text(_only(pointer, "TSLLocation")),
            territory=territories[0] if len(territories) == 1 else "",
            signers=tuple(dict.fromkeys(signers)),
        )


def _next_update(scheme: etree._Element) -> datetime:
    moments: Sequence[etree._Element] = _only(scheme, "NextUpdate").findall(f"{{{TSL}}}dateTime")
    if len(moments) != 1:
        # §5.3.15: a closed list has none; it will never be current again.
        raise TrustedListExpired("it is closed: no next one will follow")
    return _instant(moments[0])


def _only(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(f"{{{TSL}}}{name}")
    if len(found) != 1:
        raise TrustedListUnreadable(f"{len(found)} elements {name}")
    return found[0]


def _text(element: etree._Element) -> str:
    if len(element):
        raise TrustedListUnreadable("elements where a text should be")
    return (element.text or "").strip()


def _number(parent: etree._Element, name: str) -> int:
    text = _text(_only(parent, name))
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise TrustedListUnreadable(f"{name} is no number")
    return int(text)


def _name(element: etree._Element) -> str:
    """The English name, or the first one."""
    names = element.findall(f"{{{TSL}}}Name")
    english = [each for each in names if each.get(_XML_LANG) == "en"]
    return _text((english or names)[0]) if names else ""


def _instant(element: etree._Element) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(element))
    except ValueError as error:
        raise TrustedListUnreadable("a time that can't be read") from error
    if moment.tzinfo is None:
        raise TrustedListUnreadable("a time without its zone")
    return moment.astimezone(UTC)
