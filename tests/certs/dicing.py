"""Random paths with random evidence: mostly good, each piece with something odd now and then."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise

from asn1crypto.ocsp import OCSPResponse
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

from certs.der_reading import BIT_STRING, SEQUENCE, element, encode
from certs.practice.profiles import PrivateKey, make_key
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole, Block, TrustAnchor, TrustStore
from tests.certs.forging import NOW

_ANY_POLICY = "2.5.29.32.0"
_ROLES = (AnchorRole.SIGNER, AnchorRole.SEAL, AnchorRole.TSA)
_LONG_AGO = NOW - timedelta(days=30)


@cache
def _keys() -> tuple[PrivateKey, ...]:
    return (*(make_key("p256") for _ in range(6)), make_key("p384"), make_key("rsa2048"))


@dataclass(frozen=True)
class Holder:
    """A certificate with its key, and the name that was asked for: a bent one may have none."""

    certificate: x509.Certificate
    key: PrivateKey
    asked: x509.Name

    @property
    def name(self) -> x509.Name:
        """The subject as what is issued below names it."""
        try:
            return self.certificate.subject
        except ValueError:
            return self.asked


@dataclass(frozen=True)
class Question:
    """What is asked of both judges."""

    certificate: x509.Certificate
    intermediates: tuple[x509.Certificate, ...]
    store: TrustStore
    role: AnchorRole
    at: datetime
    evidence: RevocationEvidence

    def answered_by(self, judge: Callable[..., object]) -> object:
        """Ask one of the judges."""
        return judge(
            self.certificate,
            intermediates=self.intermediates,
            store=self.store,
            role=self.role,
            at=self.at,
            evidence=self.evidence,
        )


@dataclass
class Dice:
    """Makes one question after the other. odd: how often something is odd, of a thousand."""

    chance: random.Random
    odd: int = 12
    _serial: int = field(default=1000)

    def oddly(self, weight: int = 1) -> bool:
        """Whether to do something odd this time."""
        return self.chance.randrange(1000) < self.odd * weight

    def question(self) -> Question:
        """Make a path of one to three authorities, a leaf, and evidence on them."""
        root = self._root()
        chain = [root]
        for level in range(self.chance.choice((0, 1, 1, 1, 2))):
            chain.append(self._issue(chain[-1], f"CA {level}", is_authority=True))
        role = self.chance.choice(_ROLES)
        stamps = role is AnchorRole.TSA and not self.oddly(4)
        leaf = self._issue(chain[-1], "Lê Văn Cường", is_authority=False, stamps=stamps)
        above = [each.certificate for each in chain[1:]]
        if self.oddly():
            above.append(self._issue(root, "CA 0", is_authority=True).certificate)
        if self.oddly():
            above.append(root.certificate)
        self.chance.shuffle(above)
        holders = [*chain, leaf]
        return Question(
            certificate=leaf.certificate,
            intermediates=tuple(above),
            store=self._store(root, others=chain[1:]),
            role=role,
            at=NOW + timedelta(seconds=self.chance.choice((0, 0, 0, 1, -30, 3600, 40_000))),
            evidence=self._evidence(holders),
        )

    def _store(self, root: Holder, *, others: list[Holder]) -> TrustStore:
        trusted = [root.certificate]
        if self.oddly():
            trusted.append(self._root().certificate)
        if others and self.oddly():
            trusted.append(others[-1].certificate)
        if self.oddly():
            trusted.append(root.certificate)
        return TrustStore(
            anchors=tuple(
                TrustAnchor(
                    certificate=each,
                    roles=frozenset(_ROLES),
                    blocks=frozenset({self.chance.choice(tuple(Block))}),
                    valid_from=NOW - timedelta(days=100),
                    valid_until=NOW + self._span(days=100),
                )
                for each in trusted
            )
        )

    def _span(self, *, days: int) -> timedelta:
        return timedelta(minutes=self.chance.randint(-3, 90)) if self.oddly() else timedelta(days)

    def _name(self, common_name: str) -> x509.Name:
        attributes = [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Cơ quan thử"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "CMND:012345678"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
        if self.oddly():
            odd = (
                "a\u0340",
                "a\u200eb",
                "\u05d0a",
                "ª",
                "  x ",
                "ẟ",
                "e\u0301",
                "\ufb01",
                "1\u00bd",
            )
            attributes[1] = x509.NameAttribute(
                NameOID.ORGANIZATION_NAME, self.chance.choice(odd) + "Cơ"
            )
        if self.oddly():
            kind = self.chance.choice((_ASN1Type.BMPString, _ASN1Type.T61String))
            attributes[2] = x509.NameAttribute(NameOID.SERIAL_NUMBER, "MST:1", kind)
        if self.oddly():
            attributes.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@b.vn"))
        if self.oddly():
            attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name.upper()))
        if self.oddly():
            pair = [attributes.pop(), attributes.pop()]
            return x509.Name(
                [
                    *(x509.RelativeDistinguishedName([each]) for each in attributes),
                    x509.RelativeDistinguishedName(pair),
                ]
            )
        return x509.Name(attributes)

    def _root(self) -> Holder:
        key = self.chance.choice(_keys())
        name = self._name("Gốc")
        builder = self._builder(name, name, key=key, days=3650)
        builder = builder.add_extension(x509.BasicConstraints(True, self._length()), critical=True)
        builder = self._key_identified(builder, key, issuer_key=key)
        if not self.oddly():
            builder = builder.add_extension(self._usage(is_authority=True), critical=True)
        return Holder(builder.sign(key, hashes.SHA256()), key, name)

    def _length(self) -> int | None:
        return self.chance.choice((0, 1)) if self.oddly(4) else self.chance.choice((None, 2, 3))

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, *, key: PrivateKey, days: int
    ) -> x509.CertificateBuilder:
        self._serial += 1
        serial = 1000 if self.oddly() else self._serial + self.chance.getrandbits(100)
        begin = NOW - self._span(days=days) if self.oddly() else _LONG_AGO
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(begin)
            .not_valid_after(max(begin + timedelta(seconds=1), NOW + self._span(days=days)))
        )

    def _usage(self, *, is_authority: bool) -> x509.KeyUsage:
        wrong = self.oddly()
        return x509.KeyUsage(
            digital_signature=not is_authority or wrong,
            content_commitment=not is_authority,
            key_encipherment=self.oddly(),
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=is_authority and not wrong,
            crl_sign=is_authority and not self.oddly(),
            encipher_only=False,
            decipher_only=False,
        )

    def _key_identified(
        self, builder: x509.CertificateBuilder, key: PrivateKey, *, issuer_key: PrivateKey
    ) -> x509.CertificateBuilder:
        other = self.chance.choice(_keys())
        subject_key = other if self.oddly() else key
        if not self.oddly():
            builder = builder.add_extension(
                x509.SubjectKeyIdentifier.from_public_key(subject_key.public_key()), critical=False
            )
        if self.oddly():
            return builder
        named = other if self.oddly() else issuer_key
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(named.public_key())
        if self.oddly():
            issuer = [x509.DirectoryName(self._name("Ai đó"))]
            identifier = x509.AuthorityKeyIdentifier(identifier.key_identifier, issuer, 7)
        return builder.add_extension(identifier, critical=self.oddly())

    def _issue(
        self, issuer: Holder, name: str, *, is_authority: bool, stamps: bool = False
    ) -> Holder:
        key = self.chance.choice(_keys())
        issued_by = issuer.name
        if self.oddly():
            issued_by = self._name("Gốc")
        subject = issued_by if self.oddly() else self._name(name)
        builder = self._builder(subject, issued_by, key=key, days=300)
        if is_authority or not self.oddly():
            ca = is_authority and not self.oddly()
            constraints = x509.BasicConstraints(ca, self._length() if ca else None)
            builder = builder.add_extension(constraints, critical=not self.oddly())
        if not self.oddly():
            builder = builder.add_extension(self._usage(is_authority=is_authority), critical=True)
        builder = self._key_identified(builder, key, issuer_key=issuer.key)
        builder = self._offering(builder)
        if stamps:
            purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(purpose, critical=not self.oddly(4))
        for extension in self._odd_extensions(is_authority=is_authority):
            if not (stamps and isinstance(extension, x509.ExtendedKeyUsage)):
                builder = builder.add_extension(extension, critical=self.oddly(20))
        signing = self.chance.choice(_keys()) if self.oddly() else issuer.key
        certificate = builder.sign(signing, self._digest())
        return Holder(self._bent(certificate, signing), key, subject)

    def _digest(self) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
        return self.chance.choice((hashes.SHA256(), hashes.SHA384(), hashes.SHA512()))

    def _offering(self, builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        url: x509.GeneralName = x509.UniformResourceIdentifier("http://a.example/x")
        if self.oddly():
            url = x509.DirectoryName(self._name("Ở đâu"))
        if not self.oddly(6):
            method = AuthorityInformationAccessOID.OCSP
            if self.oddly(4):
                method = AuthorityInformationAccessOID.CA_ISSUERS
            builder = builder.add_extension(
                x509.AuthorityInformationAccess([x509.AccessDescription(method, url)]),
                critical=self.oddly(),
            )
        if not self.oddly(6):
            reasons = frozenset({x509.ReasonFlags.key_compromise}) if self.oddly() else None
            issuer = [x509.DirectoryName(self._name("CA 0"))] if self.oddly() else None
            point = x509.DistributionPoint([url], None, reasons, issuer)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        return builder

    def _odd_extensions(self, *, is_authority: bool) -> list[x509.ExtensionType]:
        name = x509.DirectoryName(self._name("Lê Văn Cường"))
        policy = x509.PolicyInformation(
            ObjectIdentifier(self.chance.choice((_ANY_POLICY, "1.2.3", "1.2.4"))), None
        )
        candidates: list[x509.ExtensionType] = [
            x509.ExtendedKeyUsage(
                [
                    self.chance.choice(
                        (
                            ExtendedKeyUsageOID.EMAIL_PROTECTION,
                            ExtendedKeyUsageOID.TIME_STAMPING,
                            ExtendedKeyUsageOID.OCSP_SIGNING,
                        )
                    )
                ]
            ),
            x509.CertificatePolicies([policy]),
            x509.CertificatePolicies([policy] * 5),
            x509.PolicyConstraints(self.chance.choice((0, 1, None)), 0),
            x509.InhibitAnyPolicy(0),
            x509.SubjectAlternativeName([x509.RFC822Name("a@b.vn")]),
            x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"),
            x509.OCSPNoCheck(),
            x509.FreshestCRL(
                [
                    x509.DistributionPoint(
                        [x509.UniformResourceIdentifier("http://a.example/d")], None, None, None
                    )
                ]
            ),
        ]
        if is_authority:
            candidates += [
                x509.NameConstraints([name], None),
                x509.NameConstraints(None, [name]),
            ]
        usual = [candidates[1]] if self.chance.random() < 0.2 else []
        odd = [each for each in candidates if self.oddly()]
        kinds: dict[type, x509.ExtensionType] = {type(each): each for each in (*usual, *odd)}
        return list(kinds.values())

    def _bent(self, certificate: x509.Certificate, key: PrivateKey) -> x509.Certificate:
        """Change some bytes of what is signed and sign it again, or of the signature's frame."""
        der = self._resigned(certificate.public_bytes(Encoding.DER), key)
        try:
            return x509.load_der_x509_certificate(der)
        except ValueError:
            return certificate

    def _resigned(self, der: bytes, key: PrivateKey) -> bytes:
        if not self.oddly(8):
            return der
        _, start, stop = element(der, 0, end=len(der))
        _, _, end = element(der, start, end=stop)
        signed, rest = bytearray(der[start:end]), der[end:stop]
        _, _, algorithm_end = element(rest, 0, end=len(rest))
        algorithm, value = rest[:algorithm_end], rest[algorithm_end:]
        if self.chance.random() < 0.2:
            # The signature's frame is in nobody's signature.
            framed = bytearray(value)
            framed[self.chance.randrange(len(framed))] ^= 1 << self.chance.randrange(8)
            return encode(SEQUENCE, bytes(signed), algorithm, bytes(framed))
        for _ in range(self.chance.choice((1, 1, 1, 2))):
            place = self.chance.randrange(len(signed))
            signed[place] = self.chance.choice(
                (signed[place] ^ 1 << self.chance.randrange(8), self.chance.randrange(256))
            )
        again = _signature(key, bytes(signed), algorithm)
        return encode(SEQUENCE, bytes(signed), algorithm, encode(BIT_STRING, b"\0" + again))

    def _evidence(self, holders: list[Holder]) -> RevocationEvidence:
        responses: list[bytes] = []
        crls: list[bytes] = []
        for issuer, subject in pairwise(holders):
            kind = self.chance.choice(("ocsp", "crl", "both"))
            if self.oddly():
                continue
            for _ in range(2 if self.oddly() else 1):
                if kind != "crl":
                    responses.append(self._answer(subject, issuer))
                if kind != "ocsp":
                    crls.append(self._crl(issuer, about=subject))
        if self.oddly():
            crls.append(b"\x30\x03\x02\x01\x01")
        self.chance.shuffle(responses)
        self.chance.shuffle(crls)
        return RevocationEvidence(ocsp_responses=tuple(responses), crls=tuple(crls))

    def _window(self) -> tuple[datetime, datetime]:
        begin = NOW - timedelta(hours=2)
        if self.oddly(2):
            begin = NOW + timedelta(seconds=self.chance.choice((-30, 0, 1, 30, 90)))
        end = NOW + (
            timedelta(minutes=self.chance.randint(-3, 90)) if self.oddly(2) else timedelta(1)
        )
        return begin, max(begin, end)

    def _answer(self, subject: Holder, issuer: Holder) -> bytes:
        responder = self._responder(issuer)
        begin, end = self._window()
        status = ocsp.OCSPCertStatus.GOOD
        if self.oddly(2):
            status = self.chance.choice(tuple(ocsp.OCSPCertStatus))
        revoked = status is ocsp.OCSPCertStatus.REVOKED
        digest = self.chance.choice((hashes.SHA1(), hashes.SHA256()))
        encoding = self.chance.choice(tuple(ocsp.OCSPResponderEncoding))
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=subject.certificate,
                issuer=issuer.certificate,
                algorithm=hashes.SHA384() if self.oddly() else digest,
                cert_status=status,
                this_update=begin,
                next_update=None if self.oddly() else end,
                revocation_time=NOW + self._span(days=1) if revoked else None,
                revocation_reason=None,
            )
            .responder_id(encoding, responder.certificate)
        )
        if not self.oddly():
            extra = [self._responder(issuer).certificate] if self.oddly() else []
            builder = builder.certificates([responder.certificate, *extra])
        if self.oddly(4):
            builder = builder.add_extension(x509.OCSPNonce(b"x" * 16), critical=False)
        key = self.chance.choice(_keys()) if self.oddly() else responder.key
        try:
            der = builder.sign(key, self._digest()).public_bytes(Encoding.DER)
        except (ValueError, UnsupportedAlgorithm):
            return b"\x30\x00"
        return self._bent_response(der, key)

    def _bent_response(self, der: bytes, key: PrivateKey) -> bytes:
        if not self.oddly(8):
            return der
        basic = bytes(OCSPResponse.load(der)["response_bytes"]["response"])
        _, start, stop = element(basic, 0, end=len(basic))
        _, _, tbs_end = element(basic, start, end=stop)
        _, _, algorithm_end = element(basic, tbs_end, end=stop)
        _, _, value_end = element(basic, algorithm_end, end=stop)
        tbs = bytearray(basic[start:tbs_end])
        value = bytearray(basic[algorithm_end:value_end])
        if self.chance.random() < 0.2:
            value[self.chance.randrange(len(value))] ^= 1 << self.chance.randrange(8)
        else:
            tbs[self.chance.randrange(len(tbs))] ^= 1 << self.chance.randrange(8)
            again = _signature(key, bytes(tbs), basic[tbs_end:algorithm_end])
            value = bytearray(encode(BIT_STRING, b"\0" + again))
        changed = encode(
            SEQUENCE, bytes(tbs), basic[tbs_end:algorithm_end], bytes(value), basic[value_end:stop]
        )
        kind = bytes.fromhex("06092b0601050507300101")
        return encode(
            SEQUENCE, b"\x0a\x01\x00", encode(0xA0, encode(SEQUENCE, kind, encode(4, changed)))
        )

    def _responder(self, issuer: Holder) -> Holder:
        if self.oddly(2):
            return issuer
        key = self.chance.choice(_keys())
        name = self._name("Trả lời")
        builder = self._builder(name, issuer.name, key=key, days=100)
        if not self.oddly():
            purpose = ExtendedKeyUsageOID.OCSP_SIGNING
            if self.oddly():
                purpose = ExtendedKeyUsageOID.CLIENT_AUTH
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=self.oddly())
        if not self.oddly():
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=self.oddly())
        if not self.oddly():
            builder = builder.add_extension(
                x509.BasicConstraints(ca=self.oddly(), path_length=None), critical=True
            )
        builder = self._key_identified(builder, key, issuer_key=issuer.key)
        for extension in self._odd_extensions(is_authority=False):
            if not isinstance(extension, x509.ExtendedKeyUsage | x509.OCSPNoCheck):
                builder = builder.add_extension(extension, critical=self.oddly(20))
        signing = self.chance.choice(_keys()) if self.oddly() else issuer.key
        certificate = builder.sign(signing, self._digest())
        return Holder(self._bent(certificate, signing), key, name)

    def _crl(self, issuer: Holder, *, about: Holder) -> bytes:
        begin, end = self._window()
        name = self._name("Gốc") if self.oddly() else issuer.name
        builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(begin)
        builder = builder.next_update(max(end, begin + timedelta(seconds=1)))
        point = x509.IssuingDistributionPoint(
            [x509.UniformResourceIdentifier("http://a.example/x")],
            None,
            self.oddly(20),
            False,
            None,
            False,
            False,
        )
        usual: tuple[x509.ExtensionType, ...] = (
            x509.CRLNumber(5),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                (self.chance.choice(_keys()) if self.oddly() else issuer.key).public_key()
            ),
        )
        for extension in usual:
            if not self.oddly(3):
                builder = builder.add_extension(extension, critical=self.oddly())
        odd: tuple[x509.ExtensionType, ...] = (
            point,
            x509.DeltaCRLIndicator(4),
            x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.2"), b"\x05\x00"),
        )
        for extension in odd:
            if self.oddly():
                builder = builder.add_extension(extension, critical=self.chance.random() < 0.5)
        for _ in range(self.chance.choice((0, 0, 1, 3))):
            serial = self.chance.getrandbits(64) + 1
            if self.oddly(3):
                serial = about.certificate.serial_number
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(NOW + self._span(days=-1))
            )
            if self.oddly(3):
                reason = self.chance.choice(
                    (x509.ReasonFlags.remove_from_crl, x509.ReasonFlags.certificate_hold)
                )
                entry = entry.add_extension(x509.CRLReason(reason), critical=False)
            if self.oddly():
                named = [x509.DirectoryName(self._name("CA 0"))]
                entry = entry.add_extension(x509.CertificateIssuer(named), critical=self.oddly(20))
            builder = builder.add_revoked_certificate(entry.build())
        key = self.chance.choice(_keys()) if self.oddly() else issuer.key
        return self._resigned(builder.sign(key, self._digest()).public_bytes(Encoding.DER), key)


_BY_LAST: dict[int, hashes.HashAlgorithm] = {
    0x02: hashes.SHA256(),
    0x03: hashes.SHA384(),
    0x04: hashes.SHA512(),
}


def _signature(key: PrivateKey, content: bytes, algorithm: bytes) -> bytes:
    """Sign with the digest that the algorithm's identifier names."""
    if isinstance(key, rsa.RSAPrivateKey):
        number = {0x0B: hashes.SHA256(), 0x0C: hashes.SHA384(), 0x0D: hashes.SHA512()}
        return key.sign(content, padding.PKCS1v15(), number[algorithm[-3]])
    return key.sign(content, ec.ECDSA(_BY_LAST[algorithm[-1]]))
