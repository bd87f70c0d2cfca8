"""Logging in to a token: one attempt with one PIN, after its warnings were read."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn

from pkcs11 import Session, Token
from pkcs11 import exceptions as refusals

from certs.errors import KeyUnusable, PinLocked, PinWrong, TokenUnavailable
from certs.keys.pkcs11_module import Login, Module
from certs.keys.pkcs11_tokens import TokenInfo, why_not_to_try
from certs.keys.pkcs11_turns import TokenAccess, refused_pins

_WRONG: Final = (refusals.PinIncorrect, refusals.PinInvalid, refusals.PinLenRange)


class Pin:
    """A PIN in memory: kept to log in again after the token was away, never shown."""

    __slots__ = ("__value",)

    def __init__(self, value: bytes) -> None:
        self.__value = bytes(value)

    def reveal(self) -> bytes:
        """The PIN itself, for the token alone."""
        return self.__value

    def __repr__(self) -> str:
        return "<Pin>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a PIN is not picklable")


def is_logged_in(module: Module, serial: bytes, *, pin: Pin) -> bool:
    """Whether this process is logged in to the token since the module's last start.

    Raises PinWrong where it is, but with another PIN: this one can't be right.
    """
    login = module.logins.get(serial)
    if login is None or login.generation != module.generation:
        return False
    if not hmac.compare_digest(login.proof, refused_pins.proof(pin.reveal())):
        raise PinWrong("the token is open with another PIN; this one was not tried")
    return True


def log_in(module: Module, token: Token, *, info: TokenInfo, pin: Pin, access: TokenAccess) -> None:
    """Log this process in to the token; call it in an `opening_turn`.

    The token is asked at most once. Raises PinWrong, PinLocked, PinFinalTry, TokenUnavailable.
    """
    with module.login_lock, module.entered():
        if is_logged_in(module, token.serial, pin=pin):
            return
        if refusal := why_not_to_try(info, allow_last_try=access.allow_last_try):
            raise refusal
        if refused_pins.knows(token.serial, pin=pin.reveal(), access=access):
            raise PinWrong(f"{info.label}: it was refused before and is not tried again")
        session = _attempt(token, info=info, pin=pin, access=access)
        module.logins[token.serial] = Login(
            generation=module.generation,
            proof=refused_pins.proof(pin.reveal()),
            session=session,
        )


def _attempt(token: Token, *, info: TokenInfo, pin: Pin, access: TokenAccess) -> Session:
    try:
        # PKCS#11 v2.40 §3.1: PINs are UTF-8.
        text = pin.reveal().decode("utf8")
    except UnicodeDecodeError:
        raise PinWrong(f"{info.label}: it is not UTF-8 and was not tried") from None
    if not text:
        raise PinWrong(f"{info.label}: it is empty and was not tried")
    try:
        return token.open(user_pin=text)
    except refusals.PKCS11Error as error:
        if isinstance(error, _WRONG):
            refused_pins.add(token.serial, pin=pin.reveal(), access=access)
        raise _told(error, info) from None


def _told(error: refusals.PKCS11Error, info: TokenInfo) -> KeyUnusable:
    name = type(error).__name__
    match error:
        case refusals.PinIncorrect() | refusals.PinInvalid() | refusals.PinLenRange():
            return PinWrong(info.label)
        case refusals.PinLocked():
            return PinLocked(info.label)
        case refusals.PinExpired():
            return PinWrong(f"{info.label}: it has expired and must be changed")
        case refusals.UserPinNotInitialized():
            return PinWrong(f"{info.label}: the token has no PIN yet")
    return TokenUnavailable(f"{info.label}: {name}")
