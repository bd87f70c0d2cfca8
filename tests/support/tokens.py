"""SoftHSM2 tokens for tests: each test has its own token directory and its own copy of the module.

A copy of the module's file is another module to the linker: with its own configuration, its own
tokens and its own state, whatever other tests of this process do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pkcs11
import pytest
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from pkcs11.constants import Attribute, ObjectClass
from pkcs11.mechanisms import KeyType
from pkcs11.util.ec import decode_ec_private_key
from pkcs11.util.rsa import decode_rsa_private_key
from pkcs11.util.x509 import decode_x509_certificate

from certs.keys.pkcs11_module import module_at
from certs.keys.pkcs11_tokens import list_tokens
from certs.keys.pkcs11_turns import TokenAccess
from certs.practice.profiles import HolderKey

PIN, OFFICER_PIN = "240168", "officer-240168"
WRONG_PIN = b"861042"
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
SPIES = ("/usr/lib/x86_64-linux-gnu/pkcs11-spy.so", "/usr/lib64/pkcs11-spy.so")


@dataclass(frozen=True)
class TokenBox:
    """A directory with tokens, and the module that shows them."""

    directory: Path
    module: Path

    @property
    def access(self) -> TokenAccess:
        return TokenAccess(state=self.directory / "state")

    @property
    def tokens(self) -> Path:
        return self.directory / "tokens"

    @contextlib.contextmanager
    def as_configured(self) -> Iterator[None]:
        """Let this process's modules see these tokens when they are initialised."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SOFTHSM2_CONF", str(self.directory / "softhsm2.conf"))
            yield

    def environment(self) -> dict[str, str]:
        """What another process needs to see the same tokens."""
        return {**os.environ, "SOFTHSM2_CONF": str(self.directory / "softhsm2.conf")}

    def add_token(self, label: str) -> None:
        _run_tool(
            self,
            *("--init-token", "--free", "--label", label, "--so-pin", OFFICER_PIN, "--pin", PIN),
        )

    def put(
        self,
        label: str,
        certificate: x509.Certificate,
        *,
        key: HolderKey | None,
        key_id: bytes,
        always_authenticate: bool = False,
    ) -> None:
        """Import a certificate and its key, sensitive and not extractable."""
        with _writing(self, label) as session:
            der = certificate.public_bytes(Encoding.DER)
            entry = {Attribute.TOKEN: True, Attribute.PRIVATE: False, Attribute.ID: key_id}
            session.create_object({**decode_x509_certificate(der), **entry})
            if key is not None:
                session.create_object(
                    {
                        **_key_attributes(key),
                        **entry,
                        Attribute.PRIVATE: True,
                        Attribute.SENSITIVE: True,
                        Attribute.EXTRACTABLE: False,
                        Attribute.SIGN: True,
                        Attribute.ALWAYS_AUTHENTICATE: always_authenticate,
                    }
                )

    def delete(self, label: str, key_id: bytes) -> None:
        """Delete a private key, as somebody else may do."""
        with _writing(self, label) as session:
            wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: key_id}
            for each in list(session.get_objects(wanted)):
                each.destroy()

    def forget_wrong_pins(self) -> None:
        """Log in with the right PIN, which takes the tokens' warnings away."""
        for token in list_tokens(self.module, access=self.access):
            if token.initialized:
                with _writing(self, token.label):
                    pass
        self.restart()

    def take_away(self) -> None:
        """Pull all tokens out."""
        self.tokens.rename(self.directory / "away")

    def bring_back(self) -> None:
        (self.directory / "away").rename(self.tokens)

    def restart(self) -> None:
        """Start the module anew, as after a token was away: every session and login ends."""
        module = module_at(self.module)
        module.lose(module.generation)
        module.recover(at_once=True)


class _writing:  # noqa: N801 - a context manager that reads like a verb
    """A session that may write, in a copy of the module that lives only for it."""

    def __init__(self, box: TokenBox, label: str) -> None:
        self._copy = box.directory / f"writer-{os.urandom(4).hex()}.so"
        shutil.copy(box.module, self._copy)
        self._label = label

    def __enter__(self) -> pkcs11.Session:
        library = pkcs11.lib(str(self._copy))
        self._session = library.get_token(token_label=self._label).open(rw=True, user_pin=PIN)
        return self._session

    def __exit__(self, *_: object) -> None:
        self._session.close()
        del self._session
        pkcs11.unload(str(self._copy))
        self._copy.unlink()


def _key_attributes(key: HolderKey) -> dict[Attribute, object]:
    match key:
        case rsa.RSAPrivateKey():
            der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
            return {**decode_rsa_private_key(der), Attribute.CLASS: ObjectClass.PRIVATE_KEY}
        case ec.EllipticCurvePrivateKey():
            der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
            return decode_ec_private_key(der)
        case ed25519.Ed25519PrivateKey():
            return {
                Attribute.CLASS: ObjectClass.PRIVATE_KEY,
                Attribute.KEY_TYPE: KeyType.EC_EDWARDS,
                Attribute.EC_PARAMS: core.PrintableString("edwards25519").dump(),
                Attribute.VALUE: key.private_bytes_raw(),
            }
    raise AssertionError(f"SoftHSM2 takes no {type(key).__name__}")


def _run_tool(box: TokenBox, *arguments: str) -> None:
    subprocess.run(
        ["softhsm2-util", *arguments],
        check=True,
        capture_output=True,
        env=box.environment(),
        timeout=30,
    )


def make_box(directory: Path) -> TokenBox:
    """An empty directory of tokens; the environment must point to its configuration."""
    found = next(path for path in MODULES if Path(path).exists())
    module = directory / "module.so"
    shutil.copy(found, module)
    (directory / "tokens").mkdir()
    (directory / "softhsm2.conf").write_text(
        f"directories.tokendir = {directory / 'tokens'}\n"
        "objectstore.backend = file\nlog.level = ERROR\nslots.removable = true\n"
    )
    return TokenBox(directory, module)


@pytest.fixture
def token_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenBox:
    """SoftHSM2 with a directory of its own for this test; mark the test judge("softhsm2-util")."""
    box = make_box(tmp_path)
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    return box
