"""Signing with a key of the service, once its certificate was found fit (NĐ 68/2024 art. 29)."""

from dataclasses import dataclass

from cryptography import x509

from certs.anchors import AnchorRole
from certs.path import judge_path
from certs.revocation import RevocationEvidence
from exchange.agency import Endpoint
from exchange.errors import ArgumentInvalid
from exchange.messages import BlobName
from exchange.services import ServerKey, Services
from signer import SigningRequest, sign
from storage.ports import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """A signed document, kept as an object."""

    content: bytes
    blob: BlobName


def keys_of(services: Services, caller: Endpoint) -> list[ServerKey]:
    """The keys that the caller may use, in the order of their identifiers."""
    return sorted(
        (each for each in services.keys.values() if each.endpoint == caller.code),
        key=lambda each: each.key_id,
    )


def key_of(services: Services, caller: Endpoint, *, key_id: str) -> ServerKey:
    """One of them; raises ArgumentInvalid, also for a key that belongs to another."""
    found = services.keys.get(key_id)
    if found is None or found.endpoint != caller.code:
        raise ArgumentInvalid("no key of yours has this name", field="key")
    return found


async def sign_with(
    services: Services, server_key: ServerKey, *, document: bytes, request: SigningRequest
) -> SignedDocument:
    """Sign a document and keep the result.

    Raises:
        CertificateRefused: the certificate is expired, revoked, unknown or unfit.
        DocumentRefused, SigningRefused: the document can't be signed (or not so).
        TsaUnavailable: no time-stamp can be had; nothing is signed at a lower level.

    """
    role = AnchorRole.SEAL if server_key.seal else AnchorRole.SIGNER
    await require_fit(services, server_key.key.certificate, chain=server_key.key.chain, role=role)
    content = await sign(
        document, key=server_key.key, request=request, timestamper=services.timestamper
    )
    digest = digest_of(content)
    await services.objects.put_new(digest, content)
    return SignedDocument(content=content, blob=BlobName(digest=digest, size_bytes=len(content)))


async def require_fit(
    services: Services,
    certificate: x509.Certificate,
    *,
    chain: tuple[x509.Certificate, ...],
    role: AnchorRole,
) -> None:
    """Raise a CertificateRefused unless the certificate is good right now, revocation included."""
    evidence = RevocationEvidence()
    for _ in range(2):
        verdict = judge_path(
            certificate,
            intermediates=chain,
            store=services.trust,
            role=role,
            at=services.clock(),
            evidence=evidence,
        )
        if not verdict.missing or services.fetcher is None:
            break
        evidence = evidence.merged(await services.fetcher.gather(verdict.missing))
    verdict.raise_for_status()
