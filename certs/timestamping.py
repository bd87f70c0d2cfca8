"""The client of a time-stamping authority over HTTP (RFC 3161)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from certs.errors import FetchFailed, FetchTooLarge, TsaAnswerInvalid, TsaUnavailable
from certs.fetching.fetcher import EvidenceFetcher
from certs.paths.checking import PathChecker
from certs.paths.validation import PathStatus
from certs.timestamp_tokens import CheckedToken, StampRequest, check_answer
from certs.trust.anchors import AnchorRole, TrustStore

DEFAULT_TIMEOUT_SECONDS = 30.0
CLOCK_SKEW = timedelta(minutes=2)
"""How far the authority's clock may be from ours."""


class Timestamper(Protocol):
    """Whoever gives time-stamps."""

    async def stamp(self, imprint: bytes, digest_algorithm: str) -> bytes:
        """A TimeStampToken (DER) for the imprint; raises TimestampFailed, never gives less."""
        ...


class HttpTimestamper:
    """Asks one authority, and believes only what proves to be its answer to this very question.

    The fetcher's allow-list must name the authority's host and port, and those of its OCSP or CRL.
    A checker that is shared judges an authority once a minute, for its time-stamps and for the
    evidence about them; without one the time-stamper has its own.
    """

    def __init__(
        self,
        url: str,
        *,
        fetcher: EvidenceFetcher,
        store: TrustStore,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        checker: PathChecker | None = None,
    ) -> None:
        self._url = url
        self._fetcher = fetcher
        self._checker = checker or PathChecker(store=store, fetcher=fetcher, clock=clock)
        self._timeout_seconds = timeout_seconds
        self._clock = clock

    async def stamp(self, imprint: bytes, digest_algorithm: str) -> bytes:
        """A TimeStampToken (DER) over the imprint, made with "sha256", "sha384" or "sha512".

        Raises TsaUnavailable when nobody answers in time, the answer puts us off, or nothing
        proves that the authority's certificate was not revoked; TsaAnswerInvalid for an answer
        that is wrong.
        """
        request = StampRequest(
            imprint=imprint, digest_algorithm=digest_algorithm, nonce=secrets.randbits(63) | 1 << 63
        )
        asked_at = self._clock()
        token = check_answer(await self._answer(request), request)
        if not asked_at - CLOCK_SKEW <= token.stamped_at <= self._clock() + CLOCK_SKEW:
            raise TsaAnswerInvalid("its time is not the present")
        await self._require_trusted(token)
        return token.der

    async def _answer(self, request: StampRequest) -> bytes:
        try:
            return await self._fetcher.post(
                self._url,
                request.to_der(),
                content_type="application/timestamp-query",
                max_bytes=self._fetcher.policy.limits.timestamp_bytes,
                seconds=self._timeout_seconds,
            )
        except FetchTooLarge as error:
            raise TsaAnswerInvalid(error.detail) from error
        except FetchFailed as error:
            raise TsaUnavailable(error.detail) from error

    async def _require_trusted(self, token: CheckedToken) -> None:
        verdict = await self._checker.check(
            token.signer,
            role=AnchorRole.TSA,
            intermediates=(each for each in token.certificates if each != token.signer),
        )
        if verdict.status is PathStatus.REVOCATION_UNKNOWN:
            raise TsaUnavailable(f"its revocation is not known: {verdict.detail}")
        if verdict.status is not PathStatus.VALID:
            raise TsaAnswerInvalid(f"its certificate: {verdict.status} {verdict.detail}")
