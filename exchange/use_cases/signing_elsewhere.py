"""Signing in two steps: prepared here, signed where the key lives, completed here.

Between the steps everything lies in the database and the object store: a restart loses nothing,
and any worker on any machine takes the second step.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from cryptography import x509

from certs.errors import TsaAnswerInvalid
from certs.parsing import DAMAGE
from certs.raw_signatures import is_signature_by
from exchange.agency import Endpoint
from exchange.errors import SignatureValueWrong
from exchange.services import Services
from exchange.signing_sessions import SigningSession, open_session
from exchange.use_cases.signing import (
    SignedDocument,
    SigningOrder,
    require_fit,
    require_provable,
    tail_of,
)
from exchange.working_copies import WorkingCopy, copy_of_kept, keep_with
from signer.creation.prepared import PreparedSignature
from signer.errors import ContainerTooLarge
from signer.sandbox.guarded_preparation import GuardedPreparation, SignatureWanted, prepare_guarded

TOKEN_BYTES: Final = 16_384
"""Room for a time-stamp token: once the value is there, nothing can be prepared anew for more."""
MAX_VALUE_BYTES: Final = 16_384


async def prepare_elsewhere(
    services: Services,
    caller: Endpoint,
    *,
    copy: WorkingCopy,
    certificates: tuple[x509.Certificate, ...],
    order: SigningOrder,
) -> tuple[SigningSession, PreparedSignature]:
    """Prepare a signature; the session is yet to be stored.

    Raises:
        CertificateRefused, KeyUnsupported: the certificate is not fit, or not for this scheme.
        DocumentRefused, SigningRefused: the document can't be signed (or not so).

    """
    request = order.request
    wanted = SignatureWanted(
        certificates=certificates,
        request=request,
        token_bytes=TOKEN_BYTES if request.level.timestamped else 0,
        act=order.act,
        values=order.values,
    )
    role = await require_provable(services, wanted, role=order.role)
    prepared = await prepare_guarded(
        copy.source, path=copy.path, sandbox=services.sandbox, wanted=wanted
    )
    session = SigningSession(
        session_id=uuid4(),
        caller=caller.code,
        document_digest=copy.digest,
        document=None,
        prepared=prepared.signature.to_json(),
        filled=prepared.filled,
        certificates=certificates,
        role=role,
        level=request.level,
        created_at=request.signed_at,
        expires_at=services.clock() + services.signing.session_life,
    )
    return session, prepared.signature


async def complete_elsewhere(
    services: Services, caller: Endpoint, *, session_id: UUID, value: bytes, at: datetime
) -> tuple[SigningSession, SignedDocument]:
    """Put a signature's value into the document that waits for it, and keep the result.

    Raises:
        SigningSessionUnknown, SigningSessionExpired, SigningSessionCompleted: see open_session.
        SignatureValueWrong: not made by the certificate's key over the session's data.
        CertificateRefused: the certificate is not good any more.
        TimestampFailed: no time-stamp can be had; the session stays open for another try.

    """
    async with services.database.transaction() as connection:
        session = await open_session(connection, caller.code, session_id=session_id, at=at)
    prepared = PreparedSignature.from_json(session.prepared)
    _require_right_value(prepared, value)
    await require_fit(
        session.certificates,
        role=session.role,
        checker=services.checker,
        policy=services.signing,
    )
    async with copy_of_kept(services, session.document_digest, content=session.document) as copy:
        try:
            tail = await tail_of(
                services,
                GuardedPreparation(filled=session.filled, signature=prepared),
                value=value,
                source=copy.source,
            )
        except ContainerTooLarge as error:
            raise TsaAnswerInvalid(f"its token is too large: {error.detail}") from error
        kept = await keep_with(services, copy, tail=tail)
    signed = SignedDocument(
        blob=kept.blob,
        content=kept.content,
        field_name=prepared.field_name,
        signed_at=session.created_at,
    )
    return session, signed


def _require_right_value(prepared: PreparedSignature, value: bytes) -> None:
    if not 1 <= len(value) <= MAX_VALUE_BYTES:
        raise SignatureValueWrong(f"{len(value)} bytes")
    try:
        public_key = prepared.certificates[0].public_key()
    except DAMAGE:
        raise SignatureValueWrong("the certificate's key can't be read") from None
    if not is_signature_by(
        public_key, value, data=prepared.data_to_be_signed, scheme=prepared.scheme
    ):
        raise SignatureValueWrong(f"{prepared.scheme}, {len(value)} bytes")
