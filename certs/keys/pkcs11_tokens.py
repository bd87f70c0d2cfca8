"""Tokens as a PKCS#11 module shows them without a PIN: names, warnings and certificates."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from pkcs11 import Token
from pkcs11.constants import Attribute, CertificateType, ObjectClass, TokenFlag
from pkcs11.exceptions import PKCS11Error

from certs.errors import (
    KeyAmbiguous,
    KeyNotFound,
    KeyUnusable,
    PinFinalTry,
    PinLocked,
    TokenUnavailable,
)
from certs.identity import fingerprint
from certs.keys.pkcs11_module import Module, module_at
from certs.keys.pkcs11_turns import TokenAccess, opening_turn
from certs.parsing import DAMAGE
from certs.paths.usage import unsuitability
from certs.trust.anchors import AnchorRole

MAX_CERTIFICATES: Final = 64
"""Certificates read from one token."""
MAX_CERTIFICATE_BYTES: Final = 64 << 10
_PAUSES_SECONDS: Final = (0.05, 0.2)
_ValueT = TypeVar("_ValueT")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCertificate:
    """A certificate in a token; key_id (CKA_ID) is also that of its private key."""

    key_id: bytes
    label: str
    certificate: x509.Certificate

    @property
    def may_sign(self) -> bool:
        """Whether it is made for signing documents, by a person or an organisation."""
        return not unsuitability(self.certificate, AnchorRole.SIGNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """What a token says of itself (CK_TOKEN_INFO, PKCS#11 v2.40 §3.2).

    pin_count_low: a wrong PIN was given since the last right one. pin_final_try: one more wrong PIN
    locks the token. Not every token sets them.
    """

    label: str
    serial: str
    manufacturer: str
    model: str
    initialized: bool
    login_required: bool
    pin_set: bool
    pin_count_low: bool
    pin_final_try: bool
    pin_locked: bool
    certificates: tuple[TokenCertificate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySelector:
    """Which key: by its certificate's SHA-256 (hex), its CKA_ID, or its token; all must fit.

    Empty, it fits the only certificate for signing documents that there is.
    """

    fingerprint: str = ""
    key_id: bytes = b""
    token_label: str = ""
    token_serial: str = ""

    def fits_token(self, info: TokenInfo) -> bool:
        """Whether the key may be in this token."""
        return (not self.token_label or self.token_label == info.label) and (
            not self.token_serial or self.token_serial.lower() == info.serial.lower()
        )

    def fits(self, found: TokenCertificate) -> bool:
        """Whether this certificate's key is meant."""
        wanted = self.fingerprint.replace(":", "").replace(" ", "").lower()
        if not (wanted or self.key_id):
            return found.may_sign
        return (not wanted or wanted == fingerprint(found.certificate)) and (
            not self.key_id or self.key_id == found.key_id
        )


def list_tokens(module: Path, *, access: TokenAccess | None = None) -> tuple[TokenInfo, ...]:
    """The tokens that a module shows now, with their public certificates. Blocks; asks no PIN.

    Raises TokenModuleUnusable, TokenUnavailable.
    """
    with opening_turn((access or TokenAccess()).directory, module):
        opened = module_at(module)
        return tuple(info for _, info in patiently(lambda: read_tokens(opened), module=opened))


def read_tokens(module: Module) -> list[tuple[Token, TokenInfo]]:
    """The tokens with what they say; call it in an `opening_turn`, `patiently`."""
    with module.entered():
        return [(token, describe(token)) for token in module.tokens()]


def patiently(read: Callable[[], _ValueT], *, module: Module) -> _ValueT:
    """Read from a module that other programs may be opening too; it is started anew in between.

    While they do, it fails or finds no token. Raises TokenUnavailable.
    """
    for pause_seconds in _PAUSES_SECONDS:
        generation = module.generation
        try:
            return read()
        except (PKCS11Error, TokenUnavailable):
            module.lose(generation)
            time.sleep(pause_seconds * random.uniform(0.5, 1.5))
            module.recover(at_once=True)
    try:
        return read()
    except PKCS11Error as error:
        module.lose(module.generation)
        raise TokenUnavailable(type(error).__name__) from None


def describe(token: Token, *, with_certificates: bool = True) -> TokenInfo:
    """Read what a token says of itself, and its certificates."""
    flags = token.flags
    initialized = bool(flags & TokenFlag.TOKEN_INITIALIZED)
    return TokenInfo(
        label=token.label,
        serial=serial_text(token),
        manufacturer=token.manufacturer_id,
        model=token.model,
        initialized=initialized,
        login_required=bool(flags & TokenFlag.LOGIN_REQUIRED),
        pin_set=bool(flags & TokenFlag.USER_PIN_INITIALIZED),
        pin_count_low=bool(flags & TokenFlag.USER_PIN_COUNT_LOW),
        pin_final_try=bool(flags & TokenFlag.USER_PIN_FINAL_TRY),
        pin_locked=bool(flags & TokenFlag.USER_PIN_LOCKED),
        certificates=_certificates(token) if initialized and with_certificates else (),
    )


def serial_text(token: Token) -> str:
    """The token's serial number as text; makers fill it with blanks or zero bytes."""
    return token.serial.rstrip(b"\0 ").decode("utf8", errors="replace")


def _certificates(token: Token) -> tuple[TokenCertificate, ...]:
    session = token.open()
    try:
        found: list[TokenCertificate] = []
        wanted = {
            Attribute.CLASS: ObjectClass.CERTIFICATE,
            Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
        }
        for each in session.get_objects(wanted):
            entry = _read_certificate(each)
            if entry is not None and len(found) < MAX_CERTIFICATES:
                found.append(entry)
        return tuple(found)
    finally:
        session.close()


def _read_certificate(entry: object) -> TokenCertificate | None:
    der = bytes(_attribute(entry, Attribute.VALUE, default=b""))
    if len(der) > MAX_CERTIFICATE_BYTES:
        return None
    try:
        certificate = x509.load_der_x509_certificate(der)
    except DAMAGE:
        return None
    return TokenCertificate(
        key_id=bytes(_attribute(entry, Attribute.ID, default=b"")),
        label=str(_attribute(entry, Attribute.LABEL, default="")),
        certificate=certificate,
    )


def _attribute(entry: object, name: Attribute, *, default: _ValueT) -> _ValueT:
    try:
        return entry[name]  # type: ignore[index, no-any-return]
    except (PKCS11Error, UnicodeDecodeError, KeyError):
        return default


def choose(
    tokens: list[tuple[Token, TokenInfo]], selector: KeySelector
) -> tuple[Token, TokenInfo, TokenCertificate]:
    """The one certificate that the selector fits, with its token.

    Raises TokenUnavailable where the token that is meant is not there, KeyNotFound, KeyAmbiguous.
    """
    usable = [(token, info) for token, info in tokens if info.initialized]
    meant = [(token, info) for token, info in usable if selector.fits_token(info)]
    if not meant:
        raise TokenUnavailable("no token is there" if not usable else "no such token is there")
    fitting = [
        (token, info, each)
        for token, info in meant
        for each in info.certificates
        if selector.fits(each)
    ]
    if not fitting:
        raise KeyNotFound(f"{', '.join(info.label for _, info in meant)}: no certificate fits")
    if len(fitting) > 1:
        names = (f"{info.label}: {_named(each)}" for _, info, each in fitting)
        raise KeyAmbiguous("; ".join(names))
    return fitting[0]


def _named(entry: TokenCertificate) -> str:
    until = entry.certificate.not_valid_after_utc.date().isoformat()
    return f"{entry.certificate.subject.rfc4514_string()} …{until} {fingerprint(entry.certificate)}"


def why_not_to_try(info: TokenInfo, *, allow_last_try: bool) -> KeyUnusable | None:
    """Why no PIN must be given to this token now; None where one may be tried."""
    if info.pin_locked:
        return PinLocked(info.label)
    if info.pin_final_try and not allow_last_try:
        return PinFinalTry(info.label)
    return None
