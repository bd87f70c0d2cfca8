"""What the practice authority's certificates look like: names, extensions and keys (pure)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from certs.errors import PracticeAuthorityUnusable
from certs.identity import ENDPOINT_URN
from certs.trust.anchors import PRACTICE_EXTENSION

PRACTICE_MARK = "PRACTICE – KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"
# The private extension's value: an ASN.1 UTF8String that a person reading a dump understands.
_MARK_VALUE = b"\x0c" + bytes([len(PRACTICE_MARK.encode())]) + PRACTICE_MARK.encode()
AUTHORITY_LIFE = timedelta(days=365)
_BACKDATED = timedelta(hours=1)  # a client whose clock is a little slow must not refuse it

KeyKind = Literal["rsa2048", "rsa3072", "p256", "p384"]
HolderKeyKind = KeyKind | Literal["ed25519", "mldsa44", "mldsa65", "mldsa87"]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
"""Keys of the authority itself."""
HolderKey = (
    PrivateKey
    | ed25519.Ed25519PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)
"""Keys of those to whom it issues certificates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """From when until when a certificate is valid (UTC), both ends included."""

    not_before: datetime
    not_after: datetime

    def __post_init__(self) -> None:
        if self.not_before >= self.not_after:
            raise PracticeAuthorityUnusable("a validity ends before it begins")

    @classmethod
    def year_from(cls, moment: datetime) -> Validity:
        """The usual practice validity: from an hour before the moment, for a year."""
        start = moment.replace(microsecond=0) - _BACKDATED
        return cls(not_before=start, not_after=start + AUTHORITY_LIFE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate that was just made, its private key, and the path above it (root excluded)."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    private_key: HolderKey

    def pkcs12(self, passphrase: bytes) -> bytes:
        """A PKCS#12 file (PBES2 with AES-256) with key, certificate and chain; not for ML-DSA."""
        if isinstance(self.private_key, _NOT_IN_PKCS12):
            raise PracticeAuthorityUnusable("PKCS#12 files hold no ML-DSA keys here: use PEM")
        return pkcs12.serialize_key_and_certificates(
            _friendly_name(self.certificate),
            self.private_key,
            self.certificate,
            list(self.chain),
            serialization.BestAvailableEncryption(passphrase),
        )

    @property
    def certificate_pem(self) -> bytes:
        """The certificate followed by its chain, PEM: what TLS servers and clients load."""
        return b"".join(each.public_bytes(Encoding.PEM) for each in (self.certificate, *self.chain))

    @property
    def private_key_pem(self) -> bytes:
        """The private key in clear, PKCS#8 PEM; write it with mode 0600 only."""
        return private_pem(self.private_key)

    def __repr__(self) -> str:
        return f"<Issued certificate, serial {self.certificate.serial_number:x}>"


def _friendly_name(certificate: x509.Certificate) -> bytes:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value).encode() if names else b"practice"


def private_pem(key: HolderKey) -> bytes:
    """PKCS#8 PEM without encryption."""
    return key.private_bytes(
        Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


_NOT_IN_PKCS12 = (mldsa.MLDSA44PrivateKey, mldsa.MLDSA65PrivateKey, mldsa.MLDSA87PrivateKey)


def make_holder_key(kind: HolderKeyKind) -> HolderKey:
    """A fresh private key for somebody else's certificate."""
    match kind:
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "mldsa44":
            return mldsa.MLDSA44PrivateKey.generate()
        case "mldsa65":
            return mldsa.MLDSA65PrivateKey.generate()
        case "mldsa87":
            return mldsa.MLDSA87PrivateKey.generate()
        case other:
            return make_key(other)


def make_key(kind: KeyKind) -> PrivateKey:
    """A fresh private key."""
    match kind:
        case "rsa2048":
            return rsa.generate_private_key(65537, 2048)
        case "rsa3072":
            return rsa.generate_private_key(65537, 3072)
        case "p256":
            return ec.generate_private_key(ec.SECP256R1())
        case "p384":
            return ec.generate_private_key(ec.SECP384R1())


def subject(common_name: str, *attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    """A practice subject: C=VN, the attributes given, the practice mark as an OU, then CN."""
    named = [
        (NameOID.COUNTRY_NAME, "VN"),
        *attributes,
        (NameOID.ORGANIZATIONAL_UNIT_NAME, PRACTICE_MARK),
        (NameOID.COMMON_NAME, common_name),
    ]
    try:
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in named if value])
    except ValueError as error:
        raise PracticeAuthorityUnusable(
            f"a name does not fit into a certificate: {error}"
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A kind of certificate: its key usage, purposes and names beside the subject."""

    usages: frozenset[str] = frozenset({"digital_signature"})
    purposes: tuple[x509.ObjectIdentifier, ...] = ()
    purposes_critical: bool = False
    names: tuple[x509.GeneralName, ...] = ()
    is_authority: bool = False
    never_checked: bool = False
    """id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1): for the OCSP responder alone."""


SIGNING = Profile(usages=frozenset({"digital_signature", "content_commitment"}))
AUTHORITY = Profile(usages=frozenset({"key_cert_sign", "crl_sign"}), is_authority=True)
# RFC 3161 §2.3: the only purpose, and critical.
TSA = Profile(purposes=(ExtendedKeyUsageOID.TIME_STAMPING,), purposes_critical=True)
OCSP = Profile(purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,), never_checked=True)


def endpoint_profile(code: str) -> Profile:
    """An endpoint's TLS certificate: a client, and a server for those who call back."""
    return Profile(
        purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,),
        names=(x509.UniformResourceIdentifier(ENDPOINT_URN + code),),
    )


def server_profile(names: tuple[str, ...], addresses: tuple[str, ...]) -> Profile:
    """A service's TLS certificate for DNS names and IP addresses."""
    return Profile(
        purposes=(ExtendedKeyUsageOID.SERVER_AUTH,),
        names=(
            *(x509.DNSName(name) for name in names),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the authority answers; written into certificates."""

    base_url: str

    @property
    def tsa(self) -> str:
        """RFC 3161, POST."""
        return f"{self.base_url}/tsa"

    @property
    def ocsp(self) -> str:
        """RFC 6960, POST."""
        return f"{self.base_url}/ocsp"

    @property
    def crl(self) -> str:
        """The issuing CA's CRL."""
        return f"{self.base_url}/crl"

    @property
    def root_crl(self) -> str:
        """The root's CRL: about the issuing CA."""
        return f"{self.base_url}/root.crl"

    @property
    def issuer(self) -> str:
        """The issuing CA's certificate, DER."""
        return f"{self.base_url}/ca"

    @property
    def root(self) -> str:
        """The root's certificate, DER."""
        return f"{self.base_url}/root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a certificate says about where to ask; nothing for the root and the responder."""

    crl: str = ""
    ocsp: str = ""
    issuer: str = ""


def certificate_builder(
    name: x509.Name,
    public_key: CertificatePublicKeyTypes,
    *,
    issuer: x509.Certificate | None,
    validity: Validity,
    profile: Profile,
    offer: Offer,
) -> x509.CertificateBuilder:
    """Everything of a certificate but its signature; issuer None makes a root."""
    issuer_key = issuer.public_key() if issuer is not None else public_key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer is not None else name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
        .add_extension(_constraints(profile, issuer is None), critical=True)
        .add_extension(_key_usage(profile.usages), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key),  # type: ignore[arg-type]
            critical=False,
        )
        .add_extension(x509.UnrecognizedExtension(PRACTICE_EXTENSION, _MARK_VALUE), critical=False)
    )
    if profile.purposes:
        purposes = x509.ExtendedKeyUsage(list(profile.purposes))
        builder = builder.add_extension(purposes, critical=profile.purposes_critical)
    if profile.names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName(list(profile.names)), critical=False
        )
    if profile.never_checked:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    return _with_offer(builder, offer)


def _constraints(profile: Profile, is_root: bool) -> x509.BasicConstraints:
    if not profile.is_authority:
        return x509.BasicConstraints(ca=False, path_length=None)
    return x509.BasicConstraints(ca=True, path_length=1 if is_root else 0)


_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _key_usage(usages: frozenset[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in usages for usage in _KEY_USAGES})


def _with_offer(builder: x509.CertificateBuilder, offer: Offer) -> x509.CertificateBuilder:
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, url in (
            (AuthorityInformationAccessOID.OCSP, offer.ocsp),
            (AuthorityInformationAccessOID.CA_ISSUERS, offer.issuer),
        )
        if url
    ]
    if access:
        builder = builder.add_extension(x509.AuthorityInformationAccess(access), critical=False)
    if offer.crl:
        point = x509.DistributionPoint(
            [x509.UniformResourceIdentifier(offer.crl)], None, None, None
        )
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return builder


def signed(builder: x509.CertificateBuilder, key: PrivateKey) -> x509.Certificate:
    """The certificate, signed with SHA-256."""
    return builder.sign(key, hashes.SHA256())
