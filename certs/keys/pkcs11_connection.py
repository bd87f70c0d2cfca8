"""The way to one key in one PKCS#11 token, found and opened anew when the token was away."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from pkcs11 import Session, Token
from pkcs11 import exceptions as refusals
from pkcs11.constants import Attribute, MechanismFlag, ObjectClass
from pkcs11.mechanisms import Mechanism
from pkcs11.types import SignMixin

from certs.errors import KeyNotFound, SchemeUnsupported, TokenUnavailable
from certs.keys.pkcs11_login import Pin, is_logged_in, log_in
from certs.keys.pkcs11_mechanisms import MECHANISMS, Operation
from certs.keys.pkcs11_module import Module
from certs.keys.pkcs11_sessions import Seat, Work
from certs.keys.pkcs11_tokens import TokenInfo, describe
from certs.keys.pkcs11_turns import TokenAccess, opening_turn

_ATTEMPTS: Final = 3
_KEY_GONE: Final = "the key is not in the token any more"
# What the token says of a request that will not become right by asking again.
_UNSUPPORTED: Final = (
    refusals.MechanismInvalid,
    refusals.MechanismParamInvalid,
    refusals.FunctionNotSupported,
    refusals.KeyTypeInconsistent,
    refusals.KeySizeRange,
    refusals.DataLenRange,
    refusals.ArgumentsBad,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlace:
    """Where a key is: it is found there again after the token was away."""

    token_serial: bytes
    token_label: str
    key_id: bytes
    certificate: x509.Certificate
    mechanisms: frozenset[Mechanism]


class KeyConnection:
    """The way to one key in one token, made anew when the token was away."""

    def __init__(self, module: Module, *, place: KeyPlace, pin: Pin, access: TokenAccess) -> None:
        self._module = module
        self._pin = pin
        self._access = access
        self.place = place

    def work(self, operation: Operation) -> Work:
        """The work of signing once."""

        def sign(seat: Seat) -> bytes:
            key = self._key_of(seat)
            # The PIN is known to be right: this process is logged in with it.
            again = self._pin.reveal().decode("utf8") if seat.asks_each_time else None
            return key.sign(
                operation.content,
                mechanism=operation.mechanism,
                mechanism_param=operation.parameter,
                pin=again,
            )

        return sign

    def perform(self, seat: Seat, work: Work) -> bytes:
        """Do the work; once more, from the beginning, when the token was away in between.

        Raises TokenUnavailable when it still is, SchemeUnsupported when it refuses the mechanism.
        """
        failure = ""
        for _ in range(_ATTEMPTS):
            try:
                generation = self._connected()
            except TokenUnavailable as error:
                raise TokenUnavailable(failure or error.detail) from None
            try:
                with self._module.entered(generation) as current:
                    if current:
                        return work(seat)
            except KeyNotFound:
                # It was there when the key was opened: an empty token may be one that is away.
                self.leave(seat)
                if failure == _KEY_GONE:
                    raise
                failure = _KEY_GONE
                self._module.lose(generation)
            except refusals.PKCS11Error as error:
                failure = f"{self.place.token_label}: {type(error).__name__}"
                if isinstance(error, _UNSUPPORTED):
                    self.leave(seat)
                    raise SchemeUnsupported(failure) from None
                self._module.lose(generation)
        raise TokenUnavailable(failure or f"{self.place.token_label}: it comes and goes")

    def leave(self, seat: Seat) -> None:
        """Close the seat's session, where its handle is not already that of another one."""
        session, generation = seat.session, seat.generation
        seat.session, seat.key, seat.generation = None, None, 0
        if session is None:
            return
        gone = contextlib.suppress(refusals.PKCS11Error, TokenUnavailable)
        with gone, self._module.entered(generation) as current:
            if current:
                session.close()

    def _connected(self) -> int:
        """The module's present start, in which this process is logged in to the token."""
        module, serial = self._module, self.place.token_serial
        generation = module.generation
        if not module.is_lost and is_logged_in(module, serial, pin=self._pin):
            return generation
        with opening_turn(self._access.directory, module.path):
            module.recover()
            generation = module.generation
            if not is_logged_in(module, serial, pin=self._pin):
                token, info = self._found(generation)
                log_in(module, token, info=info, pin=self._pin, access=self._access)
            return generation

    def _found(self, generation: int) -> tuple[Token, TokenInfo]:
        failure = "it is not there"
        with self._module.entered():
            try:
                for token in self._module.tokens():
                    if token.serial == self.place.token_serial:
                        return token, describe(token, with_certificates=False)
            except refusals.PKCS11Error as error:
                failure = type(error).__name__
        self._module.lose(generation)
        raise TokenUnavailable(f"{self.place.token_label}: {failure}")

    def _key_of(self, seat: Seat) -> SignMixin:
        """The key in the seat's session, opened in the module's present start."""
        module = self._module
        if seat.key is None or seat.generation != module.generation:
            seat.session = module.logins[self.place.token_serial].session.token.open()
            seat.generation = module.generation
            seat.key = find_private_key(seat.session, self.place.key_id)
            seat.asks_each_time = _flag(seat.key, Attribute.ALWAYS_AUTHENTICATE, default=False)
        return seat.key


def find_private_key(session: Session, key_id: bytes) -> SignMixin:
    """The private key with this CKA_ID, in a session that is logged in. Raises KeyNotFound."""
    if not key_id:
        raise KeyNotFound("the certificate has no CKA_ID, which would lead to its key")
    wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: key_id}
    for found in list(session.get_objects(wanted)):
        if isinstance(found, SignMixin):
            return found
    raise KeyNotFound(f"no signing key has the CKA_ID {key_id.hex()} of the certificate")


def signing_mechanisms(token: Token) -> frozenset[Mechanism]:
    """Those of our mechanisms that the token signs with."""
    return frozenset(
        each
        for each in token.slot.get_mechanisms() & MECHANISMS
        if token.slot.get_mechanism_info(each).flags & MechanismFlag.SIGN
    )


def _flag(key: SignMixin, name: Attribute, *, default: bool) -> bool:
    try:
        return bool(key[name])
    except refusals.AttributeTypeInvalid:
        return default
