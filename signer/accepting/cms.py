"""The CMS object as the quick way to accept reads it: exactly what our signer writes (pure).

What `signer.creation.cms_template` puts together is taken apart here, put together again from its
parts and compared byte by byte: nothing else can be in it, and nothing in another form. Level B-B,
without unsigned attributes. Anything else raises Unusual.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from asn1crypto import algos

from certs.der_reading import (
    CONTEXT_0,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    Unusual,
    elements,
    encode,
    inside,
    whole,
)
from certs.schemes import DIGESTS, SchemeFamily, SignatureScheme
from signer.creation.cms_template import (
    CONTENT_TYPE_ATTRIBUTE,
    MESSAGE_DIGEST,
    SIGNED_DATA,
    mechanism_of,
)

MAX_CERTIFICATES: Final = 8
_KEPT_SIGNERS: Final = 512
_CONTEXT_4: Final = 0xA4
_VERSION_1: Final = b"\x02\x01\x01"
_DATA: Final = bytes.fromhex("06092a864886f70d010701")
_SIGNING_CERTIFICATE: Final = bytes.fromhex("060b2a864886f70d010910022f")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mechanism:
    """A signature algorithm as the CMS object names it. name: what the judge calls its kind."""

    scheme: SignatureScheme
    name: str


def _mechanisms() -> dict[tuple[bytes, bytes], _Mechanism]:
    """Return the schemes of our signer by the DER of digest and signature algorithm."""
    found = {}
    for family in (SchemeFamily.RSA_PKCS1, SchemeFamily.RSA_PSS, SchemeFamily.ECDSA):
        for digest in DIGESTS:
            scheme = SignatureScheme(family, digest)
            found[scheme] = mechanism_of(scheme)
    curve = SignatureScheme(SchemeFamily.ED25519, "sha512")
    found[curve] = mechanism_of(curve)
    return {
        (
            algos.DigestAlgorithm({"algorithm": scheme.digest_algorithm}).dump(),
            mechanism.dump(),
        ): _Mechanism(scheme=scheme, name=str(mechanism.signature_algo))
        for scheme, mechanism in found.items()
    }


_MECHANISMS: Final = _mechanisms()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainCms:
    """A CMS object of our signer's form.

    certificate, others: DER, the others in the order in which they stand. signed: the signed
    attributes as they are signed. scheme_name: the kind of signature as the judge names it.
    """

    certificate: bytes
    others: tuple[bytes, ...]
    scheme: SignatureScheme
    scheme_name: str
    signed: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """Digest and signature scheme in words, as the report names them."""
        return f"{self.scheme.digest_algorithm} {self.scheme_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """All of an object that was read but the document's digest and the signature's value.

    Another one of the same length with the same frame is of the same form: nothing but these two
    can differ in it. attributes: those signed, before and behind the digest.
    """

    before: bytes
    between: bytes
    attributes: tuple[bytes, bytes]
    model: PlainCms

    @classmethod
    def around(cls, document_digest: bytes, plain: PlainCms, *, content: bytes) -> _Frame:
        """Return the frame of what was read from `content`, which ends with the value."""
        ahead, behind = plain.signed.split(document_digest)
        # The attributes are tagged otherwise where they stand: their contents are the same.
        start, _ = whole(plain.signed, tag=SET)
        at = content.index(plain.signed[start:]) + len(ahead) - start
        end = len(content) - len(plain.signature)
        return cls(
            before=content[:at],
            between=content[at + len(document_digest) : end],
            attributes=(ahead, behind),
            model=plain,
        )

    def read(self, content: bytes, digest: Callable[[str], bytes]) -> PlainCms | None:
        """Return what an object of the same length consists of, None where the frame differs."""
        if not content.startswith(self.before):
            return None
        model = self.model
        document_digest = digest(model.scheme.digest_algorithm)
        expected = document_digest + self.between
        if not content.startswith(expected, len(self.before)):
            return None
        ahead, behind = self.attributes
        return PlainCms(
            certificate=model.certificate,
            others=model.others,
            scheme=model.scheme,
            scheme_name=model.scheme_name,
            signed=ahead + document_digest + behind,
            signature=content[len(self.before) + len(expected) :],
        )


_frames: dict[int, _Frame] = {}
"""The last one for each length; there are few, as signers and their authorities are few."""


def read_plain_cms(content: bytes, digest: Callable[[str], bytes]) -> PlainCms:
    """Read a CMS object over what `digest` gives the digest of, for the algorithm's name."""
    frame = _frames.get(len(content))
    known = frame.read(content, digest) if frame is not None else None
    if known is not None:
        return known
    document_digest, plain = _read(content, digest)
    if len(_frames) >= _KEPT_SIGNERS:
        _frames.clear()
    _frames[len(content)] = _Frame.around(document_digest, plain, content=content)
    return plain


def _read(content: bytes, digest: Callable[[str], bytes]) -> tuple[bytes, PlainCms]:
    """Read an object of which nothing is known; return the document's digest besides."""
    data, end = _signed_data(content)
    parts = elements(content, data, end=end)
    if [tag for tag, *_ in parts] != [INTEGER, SET, SEQUENCE, CONTEXT_0, SET]:
        raise Unusual("other parts of SignedData")
    found = elements(content, parts[3][2], end=parts[3][3])
    certificates = tuple(content[first:last] for _, first, _, last in found)
    if len(certificates) > MAX_CERTIFICATES or any(tag != SEQUENCE for tag, *_ in found):
        raise Unusual("many certificates, or of other kinds")
    start, stop = inside(content, parts[4][2], tag=SEQUENCE, end=parts[4][3])
    signer = elements(content, start, end=stop)
    expected = [INTEGER, SEQUENCE, SEQUENCE, CONTEXT_0, SEQUENCE, OCTET_STRING]
    if [tag for tag, *_ in signer] != expected:
        raise Unusual("other parts of SignerInfo")
    identifier, digest_algorithm, _, mechanism, _ = (
        content[first:last] for _, first, _, last in signer[1:]
    )
    known = _MECHANISMS.get((digest_algorithm, mechanism))
    if known is None:
        raise Unusual("another algorithm")
    named = _named(certificates, identifier)
    document_digest = digest(known.scheme.digest_algorithm)
    attributes = b"".join(
        sorted(
            (
                CONTENT_TYPE_ATTRIBUTE,
                _attribute(MESSAGE_DIGEST, encode(OCTET_STRING, document_digest)),
                named.attribute,
            )
        )
    )
    signature = content[signer[5][2] : signer[5][3]]
    written = _container(
        certificates,
        digest_algorithm,
        signer=(
            identifier,
            digest_algorithm,
            encode(CONTEXT_0, attributes),
            mechanism,
            encode(OCTET_STRING, signature),
        ),
    )
    if written != content:
        raise Unusual("not as our signer writes it")
    plain = PlainCms(
        certificate=named.certificate,
        others=named.others,
        scheme=known.scheme,
        scheme_name=known.name,
        signed=encode(SET, attributes),
        signature=signature,
    )
    return document_digest, plain


def _signed_data(content: bytes) -> tuple[int, int]:
    """Return where the contents of SignedData begin and end."""
    start, stop = whole(content, tag=SEQUENCE)
    kind, wrapped = elements(content, start, end=stop)
    if content[kind[1] : kind[3]] != SIGNED_DATA or wrapped[0] != CONTEXT_0:
        raise Unusual("no SignedData")
    return inside(content, wrapped[2], tag=SEQUENCE, end=wrapped[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """The signer's certificate, the others, and the signed attribute that names the first."""

    certificate: bytes
    others: tuple[bytes, ...]
    attribute: bytes


# The same for all signatures of one signer.
@lru_cache(maxsize=_KEPT_SIGNERS)
def _named(certificates: tuple[bytes, ...], identifier: bytes) -> _Named:
    """Return the certificate that the identifier (IssuerAndSerialNumber) names.

    Its serial number must be no other's, so that there is one way only to understand that.
    """
    if list(certificates) != sorted(set(certificates)):
        raise Unusual("certificates out of order")
    named = [(each, *_issuer_and_serial(each)) for each in certificates]
    own = [each for each in named if encode(SEQUENCE, *each[1:]) == identifier]
    if len(own) != 1 or len({serial for _, _, serial in named}) != len(certificates):
        raise Unusual("no signer's certificate, or several")
    [(certificate, issuer, serial)] = own
    return _Named(
        certificate=certificate,
        others=tuple(each for each in certificates if each != certificate),
        attribute=_signing_certificate(certificate, issuer=issuer, serial=serial),
    )


def _issuer_and_serial(certificate: bytes) -> tuple[bytes, bytes]:
    """Return issuer and serial number, DER (RFC 5280 §4.1: version, serial, algorithm, issuer)."""
    start, stop = whole(certificate, tag=SEQUENCE)
    begin, end = inside(certificate, start, tag=SEQUENCE, end=stop)
    _, at = inside(certificate, begin, tag=CONTEXT_0, end=end)
    _, serial_end = inside(certificate, at, tag=INTEGER, end=end)
    _, issuer_at = inside(certificate, serial_end, tag=SEQUENCE, end=end)
    _, issuer_end = inside(certificate, issuer_at, tag=SEQUENCE, end=end)
    return certificate[issuer_at:issuer_end], certificate[at:serial_end]


def _signing_certificate(certificate: bytes, *, issuer: bytes, serial: bytes) -> bytes:
    """Return the attribute signing-certificate-v2 (RFC 5035 §3)."""
    general_names = encode(SEQUENCE, encode(_CONTEXT_4, issuer))
    identified = encode(
        SEQUENCE,
        # RFC 5035 §4: SHA-256 is the default, which DER leaves out.
        encode(OCTET_STRING, hashlib.sha256(certificate).digest()),
        encode(SEQUENCE, general_names, serial),
    )
    return _attribute(_SIGNING_CERTIFICATE, encode(SEQUENCE, encode(SEQUENCE, identified)))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return encode(SEQUENCE, kind, encode(SET, value))


def _container(
    certificates: tuple[bytes, ...], digest_algorithm: bytes, *, signer: tuple[bytes, ...]
) -> bytes:
    signed_data = encode(
        SEQUENCE,
        _VERSION_1,
        encode(SET, digest_algorithm),
        encode(SEQUENCE, _DATA),
        encode(CONTEXT_0, *certificates),
        encode(SET, encode(SEQUENCE, _VERSION_1, *signer)),
    )
    return encode(SEQUENCE, SIGNED_DATA, encode(CONTEXT_0, signed_data))


def forget() -> None:
    """Forget what was kept of signers' certificates."""
    _named.cache_clear()
    _frames.clear()
