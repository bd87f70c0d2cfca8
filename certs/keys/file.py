"""Signing keys from PKCS#12 (RFC 7292) and PEM files: opened once, kept parsed, never shown."""

from __future__ import annotations

import re
from typing import NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

from certs.algorithms import key_weakness
from certs.errors import KeyFileUnreadable, KeyTooWeak, PassphraseWrong, SchemeUnsupported
from certs.keys.chains import issuers_nearest_first
from certs.parsing import DAMAGE
from certs.schemes import DIGESTS, SchemeFamily, SignatureScheme, families_of

MAX_KEY_FILE_BYTES = 1 << 20
_PRIVATE_PEM = re.compile(
    rb"-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----.+?-----END (?:ENCRYPTED )?PRIVATE KEY-----", re.S
)
_Experimental = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
_Established = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_PrivateKey = _Established | _Experimental


class FileKey:
    """A key from a file, parsed once: parsing costs many times what a signature costs."""

    __slots__ = ("__key", "_certificate", "_chain", "_families")

    def __init__(
        self,
        key: _PrivateKey,
        *,
        certificate: x509.Certificate,
        chain: tuple[x509.Certificate, ...],
    ) -> None:
        self.__key = key
        self._certificate = certificate
        self._chain = chain
        self._families = families_of(key.public_key())

    @property
    def certificate(self) -> x509.Certificate:
        """The signer's certificate; its public key is this key's."""
        return self._certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The issuers' certificates found in the file, nearest first."""
        return self._chain

    @property
    def families(self) -> frozenset[SchemeFamily]:
        """All that a key of its kind can do."""
        return self._families

    async def sign_raw(self, data: bytes, scheme: SignatureScheme) -> bytes:
        """See SigningKey. Runs inline: a signature takes less time than a hop to a thread."""
        if scheme.family not in self._families:
            raise SchemeUnsupported(str(scheme))
        digest = DIGESTS[scheme.digest_algorithm]
        match self.__key:
            case rsa.RSAPrivateKey() as key:
                if scheme.family is SchemeFamily.RSA_PSS:
                    mask = padding.MGF1(digest)
                    return key.sign(data, padding.PSS(mask, padding.PSS.DIGEST_LENGTH), digest)
                return key.sign(data, padding.PKCS1v15(), digest)
            case ec.EllipticCurvePrivateKey() as key:
                return key.sign(data, ec.ECDSA(digest))
            case key:
                return key.sign(data)

    def __repr__(self) -> str:
        kinds = "/".join(sorted(self._families))
        return f"<FileKey {kinds}, certificate serial {self._certificate.serial_number:x}>"

    def __reduce__(self) -> NoReturn:
        # A pickled key would be a private key in clear on a pipe or a disk.
        raise TypeError("a private key is not picklable")


def load_key_file(
    content: bytes, passphrase: bytes | None, *, experimental: bool = False
) -> FileKey:
    """The key and certificates of a file, PKCS#12 or PEM, whichever it is."""
    if b"-----BEGIN" in content[:MAX_KEY_FILE_BYTES]:
        return load_pem(content, passphrase, experimental=experimental)
    return load_pkcs12(content, passphrase, experimental=experimental)


def load_pkcs12(content: bytes, passphrase: bytes | None, *, experimental: bool = False) -> FileKey:
    """The key and certificates of a PKCS#12 file; one attempt.

    passphrase None means a file without one. experimental: accept ML-DSA keys too. Raises
    PassphraseWrong when the file's integrity code does not agree with the passphrase,
    KeyFileUnreadable when the file is damaged, lacks the key or the certificate, or they do not
    belong together, KeyTooWeak for RSA under 2048 bits and for kinds of keys that are not used for
    signing.
    """
    if len(content) > MAX_KEY_FILE_BYTES:
        raise KeyFileUnreadable(f"larger than {MAX_KEY_FILE_BYTES} bytes")
    key, certificate, others = _opened(content, passphrase)
    if certificate is None or key is None:
        raise KeyFileUnreadable("it holds no private key or no certificate for it")
    usable = _usable(key, experimental=experimental)
    if not _same_public_key(usable, certificate):
        raise KeyFileUnreadable("the certificate belongs to another key")
    return _assembled(usable, certificate, others=others)


def load_pem(content: bytes, passphrase: bytes | None, *, experimental: bool = False) -> FileKey:
    """The key (PKCS#8, RFC 5958) and the certificates of a PEM file; one attempt.

    The passphrase is left aside where the key is not encrypted. Raises as load_pkcs12.
    """
    if len(content) > MAX_KEY_FILE_BYTES:
        raise KeyFileUnreadable(f"larger than {MAX_KEY_FILE_BYTES} bytes")
    found = _PRIVATE_PEM.search(content)
    if found is None:
        raise KeyFileUnreadable("it holds no private key (PKCS#8)")
    try:
        certificates = x509.load_pem_x509_certificates(content)
    except DAMAGE:
        raise KeyFileUnreadable("it holds no certificate") from None
    usable = _usable(_decrypted(found.group(), passphrase), experimental=experimental)
    certificate = next((each for each in certificates if _same_public_key(usable, each)), None)
    if certificate is None:
        raise KeyFileUnreadable("none of its certificates belongs to the key")
    others = [each for each in certificates if each is not certificate]
    return _assembled(usable, certificate, others=others)


def _assembled(
    key: _PrivateKey, certificate: x509.Certificate, *, others: list[x509.Certificate]
) -> FileKey:
    chain = issuers_nearest_first(certificate, others)
    rest = tuple(each for each in others if each not in chain)
    return FileKey(key, certificate=certificate, chain=(*chain, *rest))


def _decrypted(block: bytes, passphrase: bytes | None) -> object:
    encrypted = b"ENCRYPTED" in block[:40]
    try:
        return load_pem_private_key(block, passphrase if encrypted else None)
    except TypeError:
        raise PassphraseWrong("the key is encrypted, and no passphrase was given") from None
    except ValueError as error:
        if encrypted and "password" in str(error).lower():
            raise PassphraseWrong from None
        raise KeyFileUnreadable("its private key is damaged") from None
    except UnsupportedAlgorithm:
        raise KeyFileUnreadable("it uses an algorithm that is not supported") from None


def _opened(
    content: bytes, passphrase: bytes | None
) -> tuple[object, x509.Certificate | None, list[x509.Certificate]]:
    try:
        return pkcs12.load_key_and_certificates(content, passphrase)
    except ValueError as error:
        # The library has one exception for both; its words are the only difference. `from None`
        # because nothing of the input should travel with the error.
        if "password" in str(error).lower() and _looks_like_pkcs12(content):
            raise PassphraseWrong from None
        raise KeyFileUnreadable from None
    except (UnsupportedAlgorithm, TypeError):
        raise KeyFileUnreadable("it uses an algorithm that is not supported") from None


def _looks_like_pkcs12(content: bytes) -> bool:
    # PFX ::= SEQUENCE { version INTEGER (3), ... } (RFC 7292 §4)
    return content[:1] == b"\x30" and b"\x02\x01\x03" in content[:12]


def _usable(key: object, *, experimental: bool) -> _PrivateKey:
    if weakness := key_weakness(key):
        raise KeyTooWeak(weakness)
    if isinstance(key, _Experimental) and not experimental:
        raise KeyTooWeak("ML-DSA is experimental, and was not asked for")
    if not isinstance(key, _PrivateKey):
        raise KeyTooWeak("neither RSA, ECDSA nor Ed25519")
    return key


def _same_public_key(key: _PrivateKey, certificate: x509.Certificate) -> bool:
    try:
        theirs = certificate.public_key()
        spki = PublicFormat.SubjectPublicKeyInfo
        return key.public_key().public_bytes(Encoding.DER, spki) == theirs.public_bytes(
            Encoding.DER, spki
        )
    except DAMAGE:
        return False
