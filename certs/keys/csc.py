"""Signing keys at a remote service that speaks the CSC API v2; many signatures by one consent."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from cryptography import x509

from certs.algorithms import key_weakness
from certs.errors import KeyTooWeak, PinWrong, RemoteAnswerInvalid, RemoteSignerRefused
from certs.keys.chains import issuers_nearest_first
from certs.keys.csc_http import CscClient, CscService, csc_client
from certs.keys.csc_wire import (
    Credential,
    authorize_request,
    info_request,
    read_credential,
    read_sad,
    read_signatures,
    sign_request,
)
from certs.parsing import DAMAGE
from certs.raw_signatures import is_signature_by
from certs.schemes import SchemeFamily, SignatureScheme


@dataclass(frozen=True, slots=True, kw_only=True)
class CscConsent:
    """What authorises signatures: a PIN and an OTP for "explicit" credentials, or SAD at hand.

    An OTP and SAD are good for one authorisation; a PIN for many. Nothing for "implicit" ones.
    """

    pin: bytes = field(default=b"", repr=False)
    otp: bytes = field(default=b"", repr=False)
    sad: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        """Refuse what JSON can't carry, before anything is asked."""
        try:
            self.factors()
        except UnicodeDecodeError:
            raise PinWrong("it is not UTF-8 and was not tried") from None

    def factors(self) -> dict[str, str]:
        """The authentication factors by their names (§11.6 authData)."""
        named = {"PIN": self.pin, "OTP": self.otp}
        return {name: value.decode("utf8") for name, value in named.items() if value}


class CscKey:
    """A key at a remote service."""

    __slots__ = ("_client", "_consent", "_credential", "_credential_id", "_refused", "_spent")

    def __init__(
        self,
        client: CscClient,
        *,
        credential_id: str,
        credential: Credential,
        consent: CscConsent,
    ) -> None:
        self._client = client
        self._credential_id = credential_id
        self._credential = credential
        self._consent = consent
        self._refused = False
        self._spent = False

    @property
    def certificate(self) -> x509.Certificate:
        """The credential's certificate."""
        return self._credential.certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The issuers' certificates that the service gives, nearest first."""
        return issuers_nearest_first(self._credential.certificate, self._credential.chain)

    @property
    def families(self) -> frozenset[SchemeFamily]:
        """What the service offers for this key."""
        return self._credential.families

    @property
    def signatures_per_consent(self) -> int:
        """How many documents `sign_many` signs by one authorisation."""
        return self._credential.multisign

    async def sign_raw(self, data: bytes, scheme: SignatureScheme) -> bytes:
        """See SigningKey; one authorisation for one signature."""
        [value] = await self.sign_many((data,), scheme)
        return value

    async def sign_many(
        self, contents: Sequence[bytes], scheme: SignatureScheme
    ) -> tuple[bytes, ...]:
        """The signatures over many contents, by as few authorisations as the service allows.

        Raises SchemeUnsupported, PinWrong (the service is not asked again with that PIN),
        RemoteSignerUnavailable, RemoteSignerRefused, RemoteAnswerInvalid.
        """
        self._credential.algorithm_of(scheme)
        values: list[bytes] = []
        for start in range(0, len(contents), self._credential.multisign):
            values += await self._signed(
                contents[start : start + self._credential.multisign], scheme
            )
        return tuple(values)

    async def _signed(self, contents: Sequence[bytes], scheme: SignatureScheme) -> list[bytes]:
        hashes = [hashlib.new(scheme.digest_algorithm, each).digest() for each in contents]
        sad = await self._authorized(hashes, scheme)
        body = sign_request(
            self._credential_id, hashes, credential=self._credential, scheme=scheme, sad=sad
        )
        answer = await self._client.ask("signatures/signHash", body)
        values = read_signatures(answer, count=len(hashes))
        public_key = self.certificate.public_key()
        for value, data in zip(values, contents, strict=True):
            if not is_signature_by(public_key, value, data=data, scheme=scheme):
                raise RemoteAnswerInvalid("a signature is not that of the certificate's key")
        return values

    async def _authorized(self, hashes: Sequence[bytes], scheme: SignatureScheme) -> str:
        if self._refused:
            raise PinWrong("the service refused it before; it is not tried again")
        if self._spent:
            raise RemoteSignerRefused("its one-time consent is used up")
        self._spent = bool(self._consent.otp or self._consent.sad)
        if self._consent.sad:
            return self._consent.sad.decode("ascii", errors="replace")
        if self._credential.mode == "oauth2code":
            raise RemoteSignerRefused("it wants consent by OAuth 2.0, and no SAD was given")
        body = authorize_request(
            self._credential_id, hashes, scheme=scheme, factors=self._consent.factors()
        )
        try:
            return read_sad(await self._client.ask("credentials/authorize", body))
        except PinWrong:
            self._refused = True
            raise

    def __repr__(self) -> str:
        return f"<CscKey, certificate serial {self.certificate.serial_number:x}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key at a remote service is not picklable")


@asynccontextmanager
async def open_csc_key(
    service: CscService, *, credential_id: str, consent: CscConsent | None = None
) -> AsyncIterator[CscKey]:
    """The key of a credential, while the context lasts.

    Raises FetchRefused for an address that may not be asked, KeyTooWeak, RemoteSignerUnavailable,
    RemoteSignerRefused, RemoteAnswerInvalid.
    """
    async with csc_client(service) as client:
        credential = read_credential(
            await client.ask("credentials/info", info_request(credential_id))
        )
        if weakness := _weakness(credential.certificate):
            raise KeyTooWeak(weakness)
        yield CscKey(
            client,
            credential_id=credential_id,
            credential=credential,
            consent=consent or CscConsent(),
        )


def _weakness(certificate: x509.Certificate) -> str:
    try:
        return key_weakness(certificate.public_key())
    except DAMAGE:
        return "a key of an unsupported kind"
