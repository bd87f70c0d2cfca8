"""The issuers' certificates that a key came without, fetched from where certificates say."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from certs.fetching.fetcher import EvidenceFetcher
from certs.keys import SigningKey
from certs.parsing import DAMAGE
from certs.revocation.evidence import issuer_addresses
from certs.schemes import SchemeFamily, SignatureScheme
from certs.trust.anchors import TrustStore

MAX_ISSUERS: Final = 6
"""Certificates between a signer's and an anchor; real hierarchies have one or two."""


class ChainedKey:
    """A key with the issuers' certificates that signatures are to carry along."""

    __slots__ = ("_chain", "_key")

    def __init__(self, key: SigningKey, *, chain: tuple[x509.Certificate, ...]) -> None:
        self._key = key
        self._chain = chain

    @property
    def certificate(self) -> x509.Certificate:
        """The signer's certificate."""
        return self._key.certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The issuers' certificates, nearest first."""
        return self._chain

    @property
    def families(self) -> frozenset[SchemeFamily]:
        """What the key can do."""
        return self._key.families

    async def sign_raw(self, data: bytes, scheme: SignatureScheme) -> bytes:
        """See SigningKey."""
        return await self._key.sign_raw(data, scheme)

    def __repr__(self) -> str:
        return repr(self._key)


async def with_issuers(
    key: SigningKey, *, store: TrustStore, fetcher: EvidenceFetcher
) -> SigningKey:
    """Give the key with its chain up to an anchor, as far as the certificates lead there.

    Tokens often hold the signer's certificate alone, and a signature without its issuers can't be
    judged elsewhere. What is fetched is believed only where it issued the one below; trust comes
    from the store alone. Nothing is raised: what can't be had is left out.
    """
    chain = list(key.chain)
    anchors = {each.certificate.subject for each in store.anchors}
    while len(chain) < MAX_ISSUERS:
        top = chain[-1] if chain else key.certificate
        if top.issuer in anchors or top.issuer == top.subject:
            break
        issuer = await _fetched_issuer(top, fetcher)
        if issuer is None:
            break
        chain.append(issuer)
    return key if len(chain) == len(key.chain) else ChainedKey(key, chain=tuple(chain))


async def _fetched_issuer(
    certificate: x509.Certificate, fetcher: EvidenceFetcher
) -> x509.Certificate | None:
    """The certificate's issuer from the first address that has it (RFC 5280 §4.2.2.1)."""
    found = await fetcher.gather(issuer_addresses(certificate))
    for content in found.certificates:
        try:
            issuer = x509.load_der_x509_certificate(content)
            certificate.verify_directly_issued_by(issuer)
        except (*DAMAGE, InvalidSignature):
            continue
        return issuer
    return None
