"""What signing needs of a key, wherever the key lives: in a file, a token or a remote service."""

from __future__ import annotations

from typing import Protocol

from cryptography import x509


class SigningKey(Protocol):
    """A private key that signs but is never shown, with the certificate that belongs to it."""

    @property
    def certificate(self) -> x509.Certificate:
        """The signer's certificate; its public key is this key's."""
        ...

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The issuers' certificates that came with the key, nearest first; may be empty."""
        ...

    @property
    def algorithm(self) -> str:
        """One of "rsa", "ecdsa" and "ed25519"."""
        ...

    async def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        """The signature over data, which is hashed here with digest_algorithm.

        RSA gives RSASSA-PKCS1-v1_5 (RFC 8017), ECDSA the DER form of (r, s) (RFC 3279 §2.2.3),
        Ed25519 the 64 bytes of RFC 8032 (the digest is then sha512 by definition).
        digest_algorithm is "sha256", "sha384" or "sha512". Raises KeyUnusable.
        """
        ...
