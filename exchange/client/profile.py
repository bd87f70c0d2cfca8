"""The profile: which service to talk to, as whom, and whom to trust. One TOML file."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.client.errors import ProfileInvalid, ProfileMissing

ENVIRONMENT_VARIABLE = "CONGVAN_PROFILE"
_MAX_BYTES = 64 * 1024
_KNOWN: Mapping[str, type] = {
    "server": str,
    "server_name": str,
    "ca": str,
    "certificate": str,
    "key": str,
    "endpoint": str,
    "trust": str,
    "practice": bool,
    "allowed": list,
    "crls": list,
    "tsa": str,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one user of one endpoint needs; paths in the file are relative to the file.

    `server` is host:port, `server_name` the name in its certificate where it differs; `ca` the
    authority of the service's certificate; `certificate` and `key` the endpoint's own (PEM).
    `trust` is the directory of trust anchors for documents, `practice` whether practice anchors
    count, `allowed` the host:port addresses that revocation data may come from, `crls` CRL files
    at hand, `tsa` the time-stamping service's URL.
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
    crls: tuple[Path, ...] = ()
    tsa: str = ""

    def require_connection(self) -> None:
        """Refuse a profile that does not say how to reach the service; raises ProfileInvalid."""
        for name in ("server", "ca", "certificate", "key"):
            if not getattr(self, name):
                raise ProfileInvalid(f"{self.path}: {name} is missing")


def find_profile(named: Path | None, environment: Mapping[str, str] | None = None) -> Path:
    """Find it: the one named, CONGVAN_PROFILE, or $XDG_CONFIG_HOME/congvan/profile.toml."""
    environment = os.environ if environment is None else environment
    if named is not None:
        return named
    if chosen := environment.get(ENVIRONMENT_VARIABLE):
        return Path(chosen)
    configuration = environment.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(configuration) / "congvan" / "profile.toml"


def load_profile(path: Path) -> Profile:
    """Read a profile. Raises ProfileMissing where there is no file, else ProfileInvalid."""
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
        values = tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileInvalid(f"{path}: {error}") from error
    return _profile(path, values)


def _profile(path: Path, values: dict[str, Any]) -> Profile:
    for name, value in values.items():
        kind = _KNOWN.get(name)
        if kind is None:
            raise ProfileInvalid(f"{path}: {name} is not a setting of a profile")
        if not isinstance(value, kind):
            raise ProfileInvalid(f"{path}: {name} must be a {kind.__name__}")
    for name in ("ca", "certificate", "key", "trust"):
        if values.get(name):
            values[name] = path.parent / values[name]
        else:
            values.pop(name, None)
    values["crls"] = tuple(path.parent / str(each) for each in values.get("crls", ()))
    values["allowed"] = tuple(str(address) for address in values.get("allowed", ()))
    return Profile(path=path, **values)
