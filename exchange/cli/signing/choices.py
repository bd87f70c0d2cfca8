"""What a call signs with and into what: the options where they say so, else the profile."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certs.schemes import SignatureScheme, scheme_named
from exchange.cli.errors import KeyUnnamed, UsageInvalid
from exchange.cli.signing.options import SigningOptions
from exchange.cli.trust import known_profile
from exchange.client.profile import SigningChoices
from signer.creation.requests import Level

_TOKEN_OPTIONS = ("token", "module", "certificate")
_REMOTE_OPTIONS = ("remote", "credential", "access_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The settled choices; `profile` has what only some commands ask for."""

    key: Path | None
    module: Path | None
    token: str
    certificate: str
    remote: str
    credential: str
    access_token: Path | None
    level: Level
    scheme: SignatureScheme | None
    out: Path | None
    profile: SigningChoices


def choices_of(options: SigningOptions) -> Choices:
    """Settle them: option over profile. Raises UsageInvalid, ProfileMissing, ProfileInvalid.

    A key that the options name puts all of the profile's choice of a key aside.
    """
    profile = known_profile(options)
    kept = profile.signing if profile else SigningChoices()
    given = _given(options)
    ways = [way for way in given if any(way.values())]
    if len(ways) > 1:
        raise UsageInvalid("--key, --module and --remote exclude each other")
    stored = _kept(kept)
    chosen = next((at for at, way in enumerate(given) if any(way.values())), None)
    if chosen is None:
        chosen = next((at for at, way in enumerate(stored) if any(way.values())), None)
    if chosen is None and options.preview is None:
        raise KeyUnnamed
    chosen = chosen or 0  # a preview signs nothing, so it needs no key
    # What the options leave out of a way, the profile may have; other ways count no more.
    key = {name: value or stored[chosen][name] for name, value in given[chosen].items()}
    return Choices(
        key=key.get("key"),
        module=key.get("module"),
        token=key.get("token") or "",
        certificate=key.get("certificate") or "",
        remote=key.get("remote") or "",
        credential=key.get("credential") or "",
        access_token=key.get("access_token"),
        level=_level(options.level or kept.level or Level.B_T),
        scheme=_scheme(options.scheme or kept.scheme),
        out=options.out or kept.out,
        profile=kept,
    )


def _given(options: SigningOptions) -> tuple[dict[str, Any], ...]:
    """The three ways to a key, as the options name them: file, token, remote service."""
    return (
        {"key": options.key},
        {name: getattr(options, name) for name in _TOKEN_OPTIONS},
        {
            "remote": options.remote,
            "credential": options.credential,
            "access_token": options.access_token_file,
        },
    )


def _kept(choices: SigningChoices) -> tuple[dict[str, Any], ...]:
    return (
        {"key": choices.key},
        {name: getattr(choices, name) for name in _TOKEN_OPTIONS},
        {name: getattr(choices, name) for name in _REMOTE_OPTIONS},
    )


def _level(text: str) -> Level:
    try:
        return Level(text.upper())
    except ValueError:
        raise UsageInvalid(f"--level {text}: one of {', '.join(Level)}") from None


def _scheme(text: str) -> SignatureScheme | None:
    try:
        return scheme_named(text) if text else None
    except ValueError as error:
        raise UsageInvalid(f"--scheme {text}: {error}; for example RSA-PSS/sha256") from None
