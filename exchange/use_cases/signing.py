"""Signing with a key of the service, once its certificate was found fit (NĐ 68/2024 art. 29)."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import structlog
from cryptography import x509

from certs.errors import CertificateUnsuitable, TsaAnswerInvalid
from certs.identity import IdentityKind, fingerprint, identify
from certs.paths.checking import PathChecker
from certs.paths.validation import PathStatus
from certs.trust.anchors import AnchorRole
from exchange.agency import Endpoint
from exchange.errors import ArgumentInvalid
from exchange.messages import BlobName
from exchange.services import ServerKey, Services, SigningPolicy
from exchange.working_copies import WorkingCopy, copy_of_bytes, keep_with
from signer import SigningRequest, Source
from signer.augmentation.prolonging import prolong, prove_signer
from signer.creation.credential import credential_for
from signer.creation.signing import TIMESTAMP_BYTES, required_timestamper, stamped
from signer.errors import ContainerTooLarge
from signer.office.lawful_order import Act
from signer.office.number_and_date import FieldValues
from signer.sandbox.guarded_preparation import GuardedPreparation, SignatureWanted, prepare_guarded
from storage.ports import Digest

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningOrder:
    """What a caller asks for: which signature, as what, and the number and date before it.

    act: which act of the office it is (NĐ 30/2020 art. 13, 14), whose order is kept then.
    """

    request: SigningRequest
    act: Act | None = None
    values: FieldValues | None = None

    @property
    def role(self) -> AnchorRole | None:
        """Which purpose the certificate must have; None leaves it to the certificate."""
        if self.act is None:
            return None
        return AnchorRole.SIGNER if self.act is Act.LEADER else AnchorRole.SEAL


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTail:
    """What comes after a document that was signed: its updates, the signature's the last."""

    tail: bytes = field(repr=False)
    field_name: str


async def sign_with(
    services: Services, server_key: ServerKey, *, copy: WorkingCopy, order: SigningOrder
) -> SignedDocument:
    """Sign a document and keep the result. Raises as `signed_tail` does, and StorageError."""
    signed = await signed_tail(services, server_key, copy=copy, order=order)
    kept = await keep_with(services, copy, tail=signed.tail)
    return SignedDocument(
        blob=kept.blob,
        content=kept.content,
        field_name=signed.field_name,
        signed_at=order.request.signed_at,
    )


async def sign_unkept(
    services: Services, server_key: ServerKey, *, document: bytes, order: SigningOrder
) -> SignedDocument:
    """Sign a document and keep nothing of it. Raises as `signed_tail` does."""
    async with copy_of_bytes(document) as copy:
        signed = await signed_tail(services, server_key, copy=copy, order=order)
        content = document + signed.tail
        hashed = copy.source.hasher("sha256")
        hashed.update(signed.tail)
    return SignedDocument(
        blob=BlobName(digest=Digest(hashed.hexdigest()), size_bytes=len(content)),
        content=content,
        field_name=signed.field_name,
        signed_at=order.request.signed_at,
    )


async def signed_tail(
    services: Services, server_key: ServerKey, *, copy: WorkingCopy, order: SigningOrder
) -> SignedTail:
    """Sign a document with a key of the service.

    Raises:
        CertificateRefused: the certificate is expired, revoked, unknown or unfit.
        DocumentRefused, SigningRefused: the document can't be signed (or not so).
        TsaUnavailable: no time-stamp can be had; nothing is signed at a lower level.

    """
    key = server_key.key
    own_role = AnchorRole.SEAL if server_key.seal else AnchorRole.SIGNER
    if order.role not in (None, own_role):
        raise CertificateUnsuitable("the key is kept for another purpose")
    certificates = (key.certificate, *key.chain)
    scheme = credential_for(certificates, key.families, wanted=order.request.scheme).scheme
    wanted = SignatureWanted(
        certificates=certificates,
        request=replace(order.request, scheme=scheme),
        token_bytes=TIMESTAMP_BYTES if order.request.level.timestamped else 0,
        act=order.act,
        values=order.values,
    )
    await require_provable(services, wanted, role=own_role)
    for _ in range(_ATTEMPTS):
        prepared = await prepare_guarded(
            copy.source, path=copy.path, sandbox=services.sandbox, wanted=wanted
        )
        value = await key.sign_raw(prepared.signature.data_to_be_signed, scheme)
        try:
            tail = await tail_of(services, prepared, value=value, source=copy.source)
        except ContainerTooLarge:
            wanted = replace(wanted, token_bytes=wanted.token_bytes + TIMESTAMP_BYTES)
            continue
        return SignedTail(tail=tail, field_name=prepared.signature.field_name)
    raise TsaAnswerInvalid("its tokens grow with every request")


async def tail_of(
    services: Services, prepared: GuardedPreparation, *, value: bytes, source: Source
) -> bytes:
    """What comes after the document: the signature with all that its level asks for.

    Raises ContainerTooLarge where the time-stamp token is larger than its room.
    """
    signature = prepared.signature
    timestamper = required_timestamper(signature.level, services.timestamper)
    token = await stamped(signature, value, timestamper=timestamper)
    tail = prepared.filled + signature.completed(value, token=token)
    if timestamper is None or token is None:
        return tail
    return tail + await prolong(
        source.followed_by(tail),
        level=signature.level,
        certificates=signature.certificates,
        token=token,
        timestamper=timestamper,
        checker=services.checker,
    )


async def require_provable(
    services: Services, wanted: SignatureWanted, *, role: AnchorRole | None
) -> AnchorRole:
    """Refuse before any key is asked what could not be completed; give the certificate's role.

    Raises CertificateRefused (see require_fit) and TimestamperMissing.
    """
    fitting = await require_fit(
        wanted.certificates, role=role, checker=services.checker, policy=services.signing
    )
    required_timestamper(wanted.request.level, services.timestamper)
    if wanted.request.level.long_term:
        await prove_signer(wanted.certificates, checker=services.checker)
    return fitting


async def require_fit(
    certificates: tuple[x509.Certificate, ...],
    *,
    role: AnchorRole | None,
    checker: PathChecker,
    policy: SigningPolicy,
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
    verdict = await checker.check(certificate, intermediates=issuers, role=fitting)
    unknown = verdict.status is PathStatus.REVOCATION_UNKNOWN
    if unknown and policy.allow_unknown_revocation:
        _log.warning(
            "signing with a certificate that nothing proves not to be revoked",
            certificate_sha256=fingerprint(certificate),
            detail=verdict.detail,
        )
        return fitting
    verdict.raise_for_status()
    return fitting
