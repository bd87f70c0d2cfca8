"""Sign a PDF document: prepare it, digest it, sign the digest, embed the signature (PAdES).

Nothing is written over: the signature is an incremental update, all bytes before it stay. Errors
of keys and of time-stamping (`certs.errors`) pass unchanged; all others are `signer.errors`.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from certs.errors import TsaAnswerInvalid
from certs.schemes import SchemeFamily
from signer import limits as limits_module
from signer.augmentation.prolonging import prolong, prove_signer
from signer.creation.credential import Credential, credential_for
from signer.creation.preparation import prepare_update
from signer.creation.prepared import PreparedSignature
from signer.creation.requests import Level, SigningRequest, check_request
from signer.document import admit_source
from signer.errors import ContainerTooLarge, TimestamperMissing
from signer.fastlane.lane import fast_update
from signer.limits import DocumentLimits
from signer.source import Source

if TYPE_CHECKING:
    from cryptography import x509

    from certs.keys import SigningKey
    from certs.paths.checking import PathChecker
    from certs.timestamping import Timestamper

INLINE_BYTES: Final = 16_000_000
"""Larger documents are prepared in a thread, so that hashing them doesn't hold up the others for
more than some ten milliseconds; the hop itself takes a fraction of one."""
TIMESTAMP_BYTES: Final = 8192
"""Room for a time-stamp token with its certificates; larger ones cost a second attempt."""
ALL_FAMILIES: Final = frozenset(SchemeFamily)
_ATTEMPTS: Final = 3
_GROWTH_BYTES: Final = 512
"""How much more than last time a time-stamp token may take in the next attempt."""


async def sign(
    document: bytes,
    *,
    key: SigningKey,
    request: SigningRequest,
    timestamper: Timestamper | None = None,
    checker: PathChecker | None = None,
    limits: DocumentLimits = limits_module.DEFAULT,
) -> bytes:
    """Return the document with a PAdES signature added (EN 319 142-1, ETSI.CAdES.detached).

    document: a whole PDF file; signatures in it stay valid. The timestamper is asked from level
    B-T on, the checker from B-LT on, and no level ever becomes a lower one: where something is
    missing, nothing is returned.
    Raises DocumentRefused, SigningRefused; CertificateRefused when the certificate is not valid
    at request.signed_at or, from B-LT on, its path can't be proved; KeyUnusable and
    TimestampFailed as the key and the timestamper do.
    """
    tail = await sign_tail(
        Source.of_bytes(document),
        key=key,
        request=request,
        timestamper=timestamper,
        checker=checker,
        limits=limits,
    )
    return document + tail


async def sign_tail(
    source: Source,
    *,
    key: SigningKey,
    request: SigningRequest,
    timestamper: Timestamper | None = None,
    checker: PathChecker | None = None,
    limits: DocumentLimits = limits_module.DEFAULT,
) -> bytes:
    """Return only what comes after the document: its update with the signature. See `sign`.

    Memory does not grow with a document that lies in a file.
    """
    stamper = required_timestamper(request.level, timestamper)
    certificates = (key.certificate, *key.chain)
    if request.level.long_term:
        # Before the key is asked: a signature whose path can't be proved would be made in vain.
        await prove_signer(certificates, checker=checker)
    tail, token = await _signed(
        source, key=key, request=request, timestamper=stamper, limits=limits
    )
    if stamper is None or token is None:
        return tail
    return tail + await prolong(
        source.followed_by(tail),
        level=request.level,
        certificates=certificates,
        token=token,
        timestamper=stamper,
        checker=checker,
    )


async def _signed(
    source: Source,
    *,
    key: SigningKey,
    request: SigningRequest,
    timestamper: Timestamper | None,
    limits: DocumentLimits,
) -> tuple[bytes, bytes | None]:
    """Return the update with the signature at B-B or B-T, and its time-stamp token."""
    certificates = (key.certificate, *key.chain)
    credential = credential_for(certificates, key.families, wanted=request.scheme)
    prepare = partial(
        _prepared,
        source,
        certificates=certificates,
        credential=credential,
        request=request,
        limits=limits,
    )
    token_bytes = TIMESTAMP_BYTES if timestamper else 0
    for _ in range(_ATTEMPTS):
        if source.size > INLINE_BYTES:
            prepared = await asyncio.to_thread(prepare, token_bytes=token_bytes)
        else:
            prepared = prepare(token_bytes=token_bytes)
        value = await key.sign_raw(prepared.data_to_be_signed, credential.scheme)
        token = await stamped(prepared, value, timestamper=timestamper)
        try:
            return prepared.completed(value, token=token), token
        except ContainerTooLarge:
            token_bytes = len(token or b"") + _GROWTH_BYTES
    raise TsaAnswerInvalid("its tokens grow with every request")


def prepare_signature(
    source: Source,
    *,
    certificates: tuple[x509.Certificate, ...],
    request: SigningRequest,
    limits: DocumentLimits = limits_module.DEFAULT,
    token_bytes: int = TIMESTAMP_BYTES,
) -> PreparedSignature:
    """Prepare a document for a signature whose value is made elsewhere: the first of two steps.

    certificates: the signer's, then its issuers'. request.scheme None takes the key's best.
    token_bytes: room for a time-stamp token. Reads the document in this very process: a
    stranger's belongs into the sandbox.
    """
    credential = credential_for(certificates, ALL_FAMILIES, wanted=request.scheme)
    return _prepared(
        source,
        certificates=certificates,
        credential=credential,
        request=request,
        limits=limits,
        token_bytes=token_bytes,
    )


def _prepared(
    source: Source,
    *,
    certificates: tuple[x509.Certificate, ...],
    credential: Credential,
    request: SigningRequest,
    limits: DocumentLimits,
    token_bytes: int,
) -> PreparedSignature:
    check_request(
        request,
        valid_from=credential.valid_from,
        valid_until=credential.valid_until,
        limits=limits,
    )
    reserve = credential.max_container_bytes + token_bytes
    update = fast_update(
        source, credential=credential, request=request, reserve=reserve, limits=limits
    )
    if update is None:
        # Only now, for it reads the whole document.
        admit_source(source, limits)
        update = prepare_update(source, credential=credential, request=request, reserve=reserve)
    document_digest = update.digest(source, credential.digest_algorithm)
    return PreparedSignature(
        update=update,
        certificates=certificates,
        scheme=credential.scheme,
        level=request.level,
        data_to_be_signed=credential.template.signed_attributes(document_digest),
    )


async def stamped(
    prepared: PreparedSignature, value: bytes, *, timestamper: Timestamper | None
) -> bytes | None:
    """Return a time-stamp token over a signature's value; None where nobody is to be asked."""
    if timestamper is None:
        return None
    return await timestamper.stamp(prepared.imprint(value), prepared.imprint_algorithm)


def required_timestamper(level: Level, timestamper: Timestamper | None) -> Timestamper | None:
    """Return whom to ask for a time-stamp at a level, None at B-B. Raises TimestamperMissing."""
    if not level.timestamped:
        return None
    if timestamper is None:
        raise TimestamperMissing(level)
    return timestamper
