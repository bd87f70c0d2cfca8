"""The layers of a profile: environment above the user's file above the system's, value by value."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from exchange.client.errors import ProfileInvalid, ProfileMissing
from exchange.client.profile import (
    KINDS,
    SIGNING,
    Kind,
    Profile,
    find_profile,
    profile_of,
    read_values,
)

SYSTEM_DIRECTORY: Final = "/etc/xdg"
_YES: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Origin(StrEnum):
    """Where a value comes from, the stronger first; options of the command stand above all."""

    ENVIRONMENT = "environment"
    PROFILE = "profile"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One value with its origin; `where` is a variable's name or a file's path."""

    value: Any
    origin: Origin
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LayeredProfile:
    """The profile that counts, and where each of its values was found, by full name."""

    profile: Profile
    found: Mapping[str, Found]


def variable_of(name: str) -> str:
    """Give the environment variable of a setting: CONGVAN_PROFILE_TSA, CONGVAN_SIGNING_LEVEL."""
    table, _, inner = name.rpartition(".")
    return f"CONGVAN_{SIGNING if table else 'profile'}_{inner}".upper()


def layered_profile(
    named: Path | None, environment: Mapping[str, str] | None = None
) -> LayeredProfile:
    """Put the profile together. Raises ProfileMissing where no layer says anything, ProfileInvalid.

    A profile that was named, by option or by CONGVAN_PROFILE, must be there.
    """
    environment = os.environ if environment is None else environment
    path = find_profile(named, environment)
    found: dict[str, Found] = {}
    system = _system_file(environment)
    if system is not None:
        for name, value in read_values(system).items():
            found[name] = Found(value=value, origin=Origin.SYSTEM, where=str(system))
    try:
        own = read_values(path)
    except ProfileMissing:
        if named is not None or environment.get("CONGVAN_PROFILE"):
            raise
        own = {}
    for name, value in own.items():
        found[name] = Found(value=value, origin=Origin.PROFILE, where=str(path))
    for name, kind in KINDS.items():
        variable = variable_of(name)
        if text := environment.get(variable):
            value = _read(text, kind, variable=variable)
            found[name] = Found(value=value, origin=Origin.ENVIRONMENT, where=variable)
    if not found:
        raise ProfileMissing(str(path))
    values = {name: each.value for name, each in found.items()}
    return LayeredProfile(profile=profile_of(path, values), found=found)


def _system_file(environment: Mapping[str, str]) -> Path | None:
    directories = (environment.get("XDG_CONFIG_DIRS") or SYSTEM_DIRECTORY).split(os.pathsep)
    files = (Path(each) / "congvan" / "profile.toml" for each in directories if each)
    return next((each for each in files if each.is_file()), None)


def _read(text: str, kind: Kind, *, variable: str) -> Any:  # noqa: ANN401 - of the setting's kind
    try:
        match kind:
            case Kind.SWITCH:
                return _YES[text.lower()]
            case Kind.NUMBER:
                return float(text)
            case Kind.PATH:
                return Path(text).expanduser()
            case Kind.TEXTS:
                return tuple(text.split(","))
            case Kind.PATHS:
                return tuple(Path(each) for each in text.split(","))
    except (KeyError, ValueError):
        raise ProfileInvalid(f"{variable} must be a {kind}") from None
    return text
