"""The keys that the service keeps: opened from files and tokens, as the configuration says."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from certs.errors import KeyUnusable
from certs.keys import SigningKey
from certs.keys.file import load_key_file
from certs.keys.pkcs11 import open_token_key
from certs.keys.pkcs11_tokens import KeySelector
from certs.keys.pkcs11_turns import TokenAccess
from exchange.agency import parse_organ_id
from exchange.errors import SettingInvalid
from exchange.server.settings import Settings, SigningKeySection, read_setting_file
from exchange.services import ServerKey

MAX_PIN_BYTES = 256


async def load_keys(settings: Settings) -> Mapping[str, ServerKey]:
    """Open all keys of the configuration, each in this process.

    Raises:
        SettingInvalid: a file that the configuration names can't be used.
        KeyUnusable: a key file or a token can't be opened: which one, and why.

    """
    return {
        section.id: ServerKey(
            key_id=section.id,
            endpoint=parse_organ_id(section.endpoint),
            key=await _load_named_key(section, settings=settings),
            seal=section.seal,
        )
        for section in settings.signing_keys
    }


async def _load_named_key(section: SigningKeySection, *, settings: Settings) -> SigningKey:
    try:
        return await _load_key(section, settings=settings)
    except KeyUnusable as error:
        # A key knows no section; the operator has to be told which of many seals it is.
        error.detail = ": ".join(filter(None, (f"signing_keys {section.id}", error.detail)))
        raise


async def _load_key(section: SigningKeySection, *, settings: Settings) -> SigningKey:
    if section.module is not None:
        return await _open_in_token(section, module=section.module, settings=settings)
    if section.file is None:
        raise SettingInvalid(f"{_named(section, 'file')}: it is missing")
    passphrase = None
    if section.passphrase_file is not None:
        what = _named(section, "passphrase_file")
        passphrase = read_setting_file(section.passphrase_file, what=what).rstrip(b"\r\n")
    return load_key_file(read_setting_file(section.file, what=_named(section, "file")), passphrase)


async def _open_in_token(
    section: SigningKeySection, *, module: Path, settings: Settings
) -> SigningKey:
    selector = KeySelector(
        fingerprint=section.certificate_sha256,
        key_id=bytes.fromhex(section.key_id),
        token_label=section.token_label,
        token_serial=section.token_serial,
    )
    pin_file = _pin_file(section)
    pin, origin = _read_pin(pin_file, what=_named(section, "pin_file"))
    # All workers, now and after every restart, share these refusals: a wrong PIN is tried once,
    # until its file changes, however often the service is started again.
    access = TokenAccess(state=settings.token_state, pin_origin=origin)
    return await open_token_key(module, selector=selector, pin=pin, access=access)


def _pin_file(section: SigningKeySection) -> Path:
    if section.pin_file is not None:
        return section.pin_file
    path = os.environ.get(section.pin_file_variable, "")
    if not path:
        raise SettingInvalid(
            f"{_named(section, 'pin_file_variable')}: {section.pin_file_variable} is not set"
        )
    return Path(path)


def _read_pin(path: Path, *, what: str) -> tuple[bytes, str]:
    """The first line of a PIN's file, and words for the file that change when it does."""
    try:
        found = path.stat()
    except OSError as error:
        raise SettingInvalid(f"{what}: {path}: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode) or found.st_mode & stat.S_IROTH:
        raise SettingInvalid(f"{what}: {path}: everybody may read it, or it is no file")
    content = read_setting_file(path, what=what)
    pin = content.partition(b"\n")[0].removesuffix(b"\r")
    if not 0 < len(pin) <= MAX_PIN_BYTES:
        raise SettingInvalid(f"{what}: {path}: its first line is no PIN")
    return pin, f"{path} {found.st_ino} {found.st_mtime_ns} {found.st_size}"


def _named(section: SigningKeySection, setting: str) -> str:
    return f"signing_keys {section.id}: {setting}"
