"""Signing keys in PKCS#11 tokens and HSMs: the key never leaves; the PIN is tried once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NoReturn

from cryptography import x509
from pkcs11 import Token
from pkcs11.exceptions import PKCS11Error

from certs.algorithms import key_weakness
from certs.errors import KeyNotFound, KeyTooWeak, SchemeUnsupported, TokenUnavailable
from certs.keys.chains import issuers_nearest_first
from certs.keys.pkcs11_connection import (
    KeyConnection,
    KeyPlace,
    find_private_key,
    signing_mechanisms,
)
from certs.keys.pkcs11_login import Pin, log_in
from certs.keys.pkcs11_mechanisms import cms_form, families_in, operation_for
from certs.keys.pkcs11_module import Module, module_at
from certs.keys.pkcs11_sessions import Sessions
from certs.keys.pkcs11_tokens import (
    KeySelector,
    TokenCertificate,
    choose,
    patiently,
    read_tokens,
)
from certs.keys.pkcs11_turns import TokenAccess, opening_turn
from certs.parsing import DAMAGE
from certs.raw_signatures import is_signature_by
from certs.schemes import SchemeFamily, SignatureScheme


class TokenKey:
    """A key in a token. It logs in again by itself when the token was away and is back."""

    __slots__ = ("_certificate", "_chain", "_connection", "_families", "_sessions")

    def __init__(
        self, connection: KeyConnection, *, chain: tuple[x509.Certificate, ...], sessions: int
    ) -> None:
        self._connection = connection
        self._certificate = connection.place.certificate
        self._chain = chain
        public_key = self._certificate.public_key()
        self._families = families_in(public_key, connection.place.mechanisms)
        self._sessions = Sessions(connection, bound=sessions)

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate that the token holds beside the key."""
        return self._certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The issuers' certificates found in the token, nearest first."""
        return self._chain

    @property
    def families(self) -> frozenset[SchemeFamily]:
        """What a key of this kind can do with the token's mechanisms."""
        return self._families

    async def sign_raw(self, data: bytes, scheme: SignatureScheme) -> bytes:
        """See SigningKey. Raises SchemeUnsupported, TokenUnavailable, PinWrong, PinLocked.

        What the token gives is verified before it is handed on: a token with another key than its
        certificate says, or one that breaks while it signs, must not spoil a document.
        """
        if scheme.family not in self._families:
            raise SchemeUnsupported(str(scheme))
        place = self._connection.place
        operation = operation_for(data, scheme, mechanisms=place.mechanisms)
        signature = await self._sessions.run(self._connection.work(operation))
        value = cms_form(signature, scheme)
        if not is_signature_by(self._certificate.public_key(), value, data=data, scheme=scheme):
            raise KeyNotFound("the token's key is not that of its certificate")
        return value

    def __repr__(self) -> str:
        place = self._connection.place
        serial = self._certificate.serial_number
        return f"<TokenKey in {place.token_label!r}, certificate serial {serial:x}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key in a token is not picklable")


async def open_token_key(
    module: Path,
    *,
    selector: KeySelector,
    pin: bytes,
    access: TokenAccess | None = None,
) -> TokenKey:
    """Open the one key that the selector fits, in a token of this PKCS#11 module.

    The PIN is given to the token once; a PIN that it refused is never given to it again. Raises
    TokenModuleUnusable, TokenUnavailable, KeyNotFound, KeyAmbiguous, KeyTooWeak, PinWrong,
    PinLocked, PinFinalTry.
    """
    return await asyncio.to_thread(
        _open, module, selector=selector, pin=Pin(pin), access=access or TokenAccess()
    )


def _open(path: Path, *, selector: KeySelector, pin: Pin, access: TokenAccess) -> TokenKey:
    with opening_turn(access.directory, path):
        module = module_at(path)
        module.recover()
        token, info, chosen = patiently(
            lambda: choose(read_tokens(module), selector), module=module
        )
        # Before the PIN is used for a key that can't be.
        if weakness := _weakness(chosen.certificate):
            raise KeyTooWeak(weakness)
        log_in(module, token, info=info, pin=pin, access=access)
        try:
            place = _place(module, token, chosen=chosen)
        except PKCS11Error as error:
            module.lose(module.generation)
            raise TokenUnavailable(f"{info.label}: {type(error).__name__}") from None
    connection = KeyConnection(module, place=place, pin=pin, access=access)
    others = [each.certificate for each in info.certificates if each is not chosen]
    chain = issuers_nearest_first(chosen.certificate, others)
    return TokenKey(connection, chain=chain, sessions=access.sessions)


def _place(module: Module, token: Token, *, chosen: TokenCertificate) -> KeyPlace:
    with module.entered():
        session = token.open()
        try:
            find_private_key(session, chosen.key_id)
        finally:
            session.close()
        return KeyPlace(
            token_serial=token.serial,
            token_label=token.label,
            key_id=chosen.key_id,
            certificate=chosen.certificate,
            mechanisms=signing_mechanisms(token),
        )


def _weakness(certificate: x509.Certificate) -> str:
    try:
        return key_weakness(certificate.public_key())
    except DAMAGE:
        return "a key of an unsupported kind"
