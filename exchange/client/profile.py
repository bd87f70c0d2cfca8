"""The profile: which service to talk to, as whom, whom to trust, and what to sign with."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from exchange.client.errors import ProfileInvalid, ProfileMissing

ENVIRONMENT_VARIABLE = "CONGVAN_PROFILE"
SIGNING: Final = "signing"
"""The table of the file that says what to sign with."""
_MAX_BYTES = 64 * 1024


class Kind(StrEnum):
    """What a setting's value may be."""

    TEXT = "str"
    SWITCH = "bool"
    NUMBER = "float"
    PATH = "path"
    TEXTS = "list"
    PATHS = "list of paths"


KINDS: Mapping[str, Kind] = {
    "server": Kind.TEXT,
    "server_name": Kind.TEXT,
    "ca": Kind.PATH,
    "certificate": Kind.PATH,
    "key": Kind.PATH,
    "endpoint": Kind.TEXT,
    "trust": Kind.PATH,
    "practice": Kind.SWITCH,
    "allowed": Kind.TEXTS,
    "rewrites": Kind.TEXTS,
    "proxy": Kind.TEXT,
    "direct": Kind.TEXTS,
    "crls": Kind.PATHS,
    "cache": Kind.SWITCH,
    "policy": Kind.PATH,
    "tsa": Kind.TEXT,
    "signing.key": Kind.PATH,
    "signing.module": Kind.PATH,
    "signing.token": Kind.TEXT,
    "signing.certificate": Kind.TEXT,
    "signing.remote": Kind.TEXT,
    "signing.credential": Kind.TEXT,
    "signing.access_token": Kind.PATH,
    "signing.level": Kind.TEXT,
    "signing.scheme": Kind.TEXT,
    "signing.picture": Kind.PATH,
    "signing.picture_mm": Kind.NUMBER,
    "signing.organisation": Kind.TEXT,
    "signing.name": Kind.TEXT,
    "signing.position": Kind.TEXT,
    "signing.place": Kind.TEXT,
    "signing.out": Kind.PATH,
}
"""Every setting of a profile: those of a table by its name, a full stop and their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningChoices:
    """What somebody signs with, and how it looks; never a PIN or a passphrase.

    `key` is a PKCS#12 file; `module`, `token` and `certificate` choose a key in a token (a PKCS#11
    library, the token's label or serial number, the certificate's SHA-256 fingerprint); `remote`
    is a remote signing service, `credential` the key's name there, `access_token` a file. `picture`
    is the seal or the handwritten signature, `picture_mm` its true width. `organisation`, `name`
    and `position` are the signer's, as documents print them; `place` is the one before the date
    (địa danh). `out` is where results go.
    """

    key: Path | None = None
    module: Path | None = None
    token: str = ""
    certificate: str = ""
    remote: str = ""
    credential: str = ""
    access_token: Path | None = None
    level: str = ""
    scheme: str = ""
    picture: Path | None = None
    picture_mm: float = 0.0
    organisation: str = ""
    name: str = ""
    position: str = ""
    place: str = ""
    out: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one user of one endpoint needs; paths in the file are relative to the file.

    `server` is host:port, `server_name` the name in its certificate where it differs; `ca` the
    authority of the service's certificate; `certificate` and `key` the endpoint's own (PEM).
    `trust` is the directory of trust anchors for documents, `practice` whether practice anchors
    count, `allowed` the host:port addresses that revocation data may come from, `rewrites`
    addresses that are asked for elsewhere (FROM => TO), `proxy` an HTTP proxy (or "environment"),
    `direct` the hosts that are reached without it, `crls` CRL files at hand and folders of them,
    `cache` whether answers are kept for the next commands, `policy` the verification policy,
    `tsa` the time-stamping service's URL.
    """

    path: Path
    server: str = ""
    server_name: str = ""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    endpoint: str = ""
    trust: Path | None = None
    practice: bool = False
    allowed: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    proxy: str = ""
    direct: tuple[str, ...] = ()
    crls: tuple[Path, ...] = ()
    cache: bool = True
    policy: Path | None = None
    tsa: str = ""
    signing: SigningChoices = field(default_factory=SigningChoices)

    def require_connection(self) -> None:
        """Refuse a profile that does not say how to reach the service; raises ProfileInvalid."""
        for name in ("server", "ca", "certificate", "key"):
            if not getattr(self, name):
                raise ProfileInvalid(f"{self.path}: {name} is missing")


def configuration_directory(environment: Mapping[str, str] | None = None) -> Path:
    """Give the directory of the user's configuration: $XDG_CONFIG_HOME/congvan."""
    environment = os.environ if environment is None else environment
    return Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "congvan"


def cache_directory(environment: Mapping[str, str] | None = None) -> Path:
    """Give the directory of what may be lost at any time: $XDG_CACHE_HOME/congvan."""
    environment = os.environ if environment is None else environment
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "congvan"


def profile_file(name: str, environment: Mapping[str, str] | None = None) -> Path:
    """Give the file of the profile that the user calls by this name."""
    return configuration_directory(environment) / "profiles" / f"{name}.toml"


def find_profile(named: Path | None, environment: Mapping[str, str] | None = None) -> Path:
    """Find it: the one named, CONGVAN_PROFILE, or $XDG_CONFIG_HOME/congvan/profile.toml.

    A single word that is no file here is the name of a profile of the user's.
    """
    environment = os.environ if environment is None else environment
    chosen = named or (Path(value) if (value := environment.get(ENVIRONMENT_VARIABLE)) else None)
    if chosen is None:
        return configuration_directory(environment) / "profile.toml"
    if len(chosen.parts) == 1 and not chosen.suffix and not chosen.exists():
        return profile_file(chosen.name, environment)
    return chosen


def load_profile(path: Path) -> Profile:
    """Read a profile. Raises ProfileMissing where there is no file, else ProfileInvalid."""
    return profile_of(path, read_values(path))


def read_values(path: Path) -> dict[str, Any]:
    """Read the settings of a file by their full names, each of its kind. Raises as load_profile."""
    try:
        with path.open("rb") as source:
            content = source.read(_MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ProfileMissing(str(path)) from error
    except OSError as error:
        raise ProfileInvalid(f"{path}: {error.strerror}") from error
    if len(content) > _MAX_BYTES:
        raise ProfileInvalid(f"{path}: larger than {_MAX_BYTES} bytes")
    try:
        tables = tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileInvalid(f"{path}: {error}") from error
    signing = tables.pop(SIGNING, {})
    if not isinstance(signing, dict):
        raise ProfileInvalid(f"{path}: {SIGNING} must be a table")
    values = {**tables, **{f"{SIGNING}.{name}": value for name, value in signing.items()}}
    return {name: _checked(name, value, path=path) for name, value in values.items()}


def profile_of(path: Path, values: Mapping[str, Any]) -> Profile:
    """Make the profile of settings by their full names; paths that are "" count as none."""
    own: dict[str, Any] = {}
    signing: dict[str, Any] = {}
    for name, value in values.items():
        table, _, inner = name.rpartition(".")
        if KINDS[name] is not Kind.PATH or value is not None:
            (signing if table else own)[inner] = value
    return Profile(path=path, signing=SigningChoices(**signing), **own)


def _checked(name: str, value: object, *, path: Path) -> Any:  # noqa: ANN401 - of the setting's kind
    kind = KINDS.get(name)
    wrong = ProfileInvalid(f"{path}: {name} must be a {kind}")
    match kind, value:
        case None, _:
            raise ProfileInvalid(f"{path}: {name} is not a setting of a profile")
        case Kind.PATH, str():
            return path.parent / Path(value).expanduser() if value else None
        case ((Kind.TEXTS | Kind.PATHS), list()):
            texts = tuple(str(each) for each in value)
            return texts if kind is Kind.TEXTS else tuple(path.parent / each for each in texts)
        case Kind.SWITCH, bool():
            return value
        case Kind.NUMBER, int() | float():
            if isinstance(value, bool):
                raise wrong
            return float(value)
        case Kind.TEXT, str():
            return value
    raise wrong
