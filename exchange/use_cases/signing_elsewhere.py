"""Signing in two steps: prepared here, signed where the key lives, completed here.

Between the steps everything lies in the database and the object store: a restart loses nothing,
and any worker on any machine takes the second step.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from cryptography import x509

from certs.anchors import AnchorRole
from certs.errors import TsaAnswerInvalid
from certs.parsing import DAMAGE
from certs.raw_signatures import is_signature_by
from exchange.agency import Endpoint
from exchange.errors import SignatureValueWrong
from exchange.services import Services
from exchange.signing_sessions import SigningSession, open_session
from exchange.use_cases.signing import SignedDocument, keep_signed, require_fit, tail_of
from exchange.working_copies import WorkingCopy, copy_of_bytes, copy_of_object
from signer import SigningRequest
from signer.errors import ContainerTooLarge
from signer.guarded_preparation import prepare_guarded
from signer.prepared import PreparedSignature
from signer.signing import required_timestamper

TOKEN_BYTES: Final = 16_384
"""Room for a time-stamp token: once the value is there, nothing can be prepared anew for more."""
MAX_VALUE_BYTES: Final = 16_384


async def prepare_elsewhere(
    services: Services,
    caller: Endpoint,
    *,
    copy: WorkingCopy,
    certificates: tuple[x509.Certificate, ...],
    request: SigningRequest,
    role: AnchorRole | None,
) -> tuple[SigningSession, PreparedSignature]:
    """Prepare a signature; the session is yet to be stored.

    Raises:
        CertificateRefused, KeyUnsupported: the certificate is not fit, or not for this scheme.
        DocumentRefused, SigningRefused: the document can't be signed (or not so).

    """
    fitting = await require_fit(services, certificates, role=role)
    required_timestamper(request.level, services.timestamper)
    prepared = await prepare_guarded(
        copy.source,
        path=copy.path,
        sandbox=services.sandbox,
        certificates=certificates,
        request=request,
        token_bytes=TOKEN_BYTES if request.level.timestamped else 0,
    )
    session = SigningSession(
        session_id=uuid4(),
        caller=caller.code,
        document_digest=copy.digest,
        document=None,
        prepared=prepared.to_json(),
        certificates=certificates,
        role=fitting,
        level=request.level,
        created_at=request.signed_at,
        expires_at=services.clock() + services.signing.session_life,
    )
    return session, prepared


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
    await require_fit(services, session.certificates, role=session.role)
    if session.document is not None:
        working = copy_of_bytes(session.document)
    else:
        working = copy_of_object(services, session.document_digest)
    async with working as copy:
        try:
            tail = await tail_of(services, prepared, value=value)
        except ContainerTooLarge as error:
            raise TsaAnswerInvalid(f"its token is too large: {error.detail}") from error
        signed = await keep_signed(
            services, copy, tail=tail, prepared=prepared, signed_at=session.created_at
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
