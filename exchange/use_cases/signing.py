"""Signing with a key of the service, once its certificate was found fit (NĐ 68/2024 art. 29)."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import structlog
from cryptography import x509

from certs.anchors import AnchorRole
from certs.errors import CertificateUnsuitable, TsaAnswerInvalid
from certs.identity import IdentityKind, fingerprint, identify
from certs.path import PathStatus
from exchange.agency import Endpoint
from exchange.errors import ArgumentInvalid
from exchange.messages import BlobName
from exchange.services import ServerKey, Services
from exchange.working_copies import WorkingCopy, keep_with
from signer import SigningRequest
from signer.credential import scheme_for
from signer.errors import ContainerTooLarge
from signer.guarded_preparation import prepare_guarded
from signer.prepared import PreparedSignature
from signer.signing import TIMESTAMP_BYTES, required_timestamper, stamped

_ATTEMPTS: Final = 3
_log = structlog.get_logger("congvan.signing")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """A signed document, kept as an object; its bytes too where they are in memory."""

    blob: BlobName
    content: bytes | None = field(repr=False)
    field_name: str
    signed_at: datetime


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
    services: Services,
    server_key: ServerKey,
    *,
    copy: WorkingCopy,
    request: SigningRequest,
    role: AnchorRole | None = None,
) -> SignedDocument:
    """Sign a document and keep the result.

    Raises:
        CertificateRefused: the certificate is expired, revoked, unknown or unfit.
        DocumentRefused, SigningRefused: the document can't be signed (or not so).
        TsaUnavailable: no time-stamp can be had; nothing is signed at a lower level.

    """
    key = server_key.key
    certificates = (key.certificate, *key.chain)
    own_role = AnchorRole.SEAL if server_key.seal else AnchorRole.SIGNER
    if role not in (None, own_role):
        raise CertificateUnsuitable("the key is kept for another purpose")
    await require_fit(services, certificates, role=own_role)
    required_timestamper(request.level, services.timestamper)
    scheme = scheme_for(key.certificate, key.families, wanted=request.scheme)
    token_bytes = TIMESTAMP_BYTES if request.level.timestamped else 0
    for _ in range(_ATTEMPTS):
        prepared = await prepare_guarded(
            copy.source,
            path=copy.path,
            sandbox=services.sandbox,
            certificates=certificates,
            request=replace(request, scheme=scheme),
            token_bytes=token_bytes,
        )
        value = await key.sign_raw(prepared.data_to_be_signed, scheme)
        try:
            tail = await tail_of(services, prepared, value=value)
        except ContainerTooLarge:
            token_bytes += TIMESTAMP_BYTES
            continue
        return await keep_signed(
            services, copy, tail=tail, prepared=prepared, signed_at=request.signed_at
        )
    raise TsaAnswerInvalid("its tokens grow with every request")


async def tail_of(services: Services, prepared: PreparedSignature, *, value: bytes) -> bytes:
    """What comes after the document: the signature with all that its level asks for."""
    timestamper = required_timestamper(prepared.level, services.timestamper)
    token = await stamped(prepared, value, timestamper=timestamper)
    return prepared.completed(value, token=token)


async def keep_signed(
    services: Services,
    copy: WorkingCopy,
    *,
    tail: bytes,
    prepared: PreparedSignature,
    signed_at: datetime,
) -> SignedDocument:
    """Keep a signed document as an object."""
    kept = await keep_with(services, copy, tail=tail)
    return SignedDocument(
        blob=kept.blob,
        content=kept.content,
        field_name=prepared.field_name,
        signed_at=signed_at,
    )


async def require_fit(
    services: Services,
    certificates: tuple[x509.Certificate, ...],
    *,
    role: AnchorRole | None,
) -> AnchorRole:
    """Refuse a certificate unless it is good right now for its purpose; give its role.

    certificates: the signer's, then its issuers'. role None takes the one that fits the holder.
    Raises CertificateRefused: expired, revoked, of no trusted path, made for something else, or
    nothing proves that it was not revoked (unless the operator allows that).
    """
    certificate, *issuers = certificates
    person = identify(certificate).kind is IdentityKind.PERSON
    fitting = AnchorRole.SIGNER if person else AnchorRole.SEAL
    if role not in (None, fitting):
        named = "a person" if person else "an organisation"
        raise CertificateUnsuitable(f"it names {named}, which this signature is not by")
    verdict = await services.checker.check(certificate, intermediates=issuers, role=fitting)
    unknown = verdict.status is PathStatus.REVOCATION_UNKNOWN
    if unknown and services.signing.allow_unknown_revocation:
        _log.warning(
            "signing with a certificate that nothing proves not to be revoked",
            certificate_sha256=fingerprint(certificate),
            detail=verdict.detail,
        )
        return fitting
    verdict.raise_for_status()
    return fitting
