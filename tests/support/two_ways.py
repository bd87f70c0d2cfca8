"""Both ways to a signature, the quick one and the engine's, and a clock that stops for both."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Self

from certs.keys.file import FileKey
from certs.schemes import scheme_named
from signer.creation.credential import Credential, credential_of
from signer.creation.preparation import prepare_update
from signer.creation.requests import Level, SigningRequest
from signer.creation.update import PendingUpdate
from signer.fastlane.lane import fast_update
from signer.source import Source

RESERVE = 400


class StoppedClock(datetime):
    """A clock that stands still, for both ways alike."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2026, 3, 2, 8, 30, 1, 123456, tzinfo=UTC).astimezone(tz)


SIGNED_AT = StoppedClock.now(UTC)


def credential(key: FileKey, scheme: str) -> Credential:
    return credential_of(key.certificate, key.chain, scheme=scheme_named(scheme))


def request_for(**fields: object) -> SigningRequest:
    return SigningRequest(level=Level.B_B, signed_at=SIGNED_AT, **fields)  # type: ignore[arg-type]


def quick(
    document: bytes, credential: Credential, request: SigningRequest | None = None
) -> PendingUpdate | None:
    return fast_update(
        Source.of_bytes(document),
        credential=credential,
        request=request or request_for(),
        reserve=RESERVE,
    )


def through_the_engine(
    document: bytes, credential: Credential, request: SigningRequest | None = None
) -> PendingUpdate:
    return prepare_update(
        Source.of_bytes(document),
        credential=credential,
        request=request or request_for(),
        reserve=RESERVE,
    )


def taken_rightly(
    document: bytes, credential: Credential, request: SigningRequest | None = None
) -> bool:
    """Whether the quick way takes the document; if so, both ways must give the same bytes."""
    update = quick(document, credential, request)
    if update is None:
        return False
    assert update == through_the_engine(document, credential, request)
    return True
