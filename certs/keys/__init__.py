"""What signing needs of a key, wherever the key lives: in a file, a token or a remote service."""

from __future__ import annotations

from typing import Protocol

from cryptography import x509

from certs.schemes import SchemeFamily, SignatureScheme


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
    def families(self) -> frozenset[SchemeFamily]:
        """The kinds of signatures that this key makes where it lives; a token may lack some."""
        ...

    async def sign_raw(self, data: bytes, scheme: SignatureScheme) -> bytes:
        """The signature over data, which is hashed here with the scheme's digest.

        Its form is the one that CMS wants: see SchemeFamily. Raises KeyUnusable, also for a
        family that the key does not offer.
        """
        ...
