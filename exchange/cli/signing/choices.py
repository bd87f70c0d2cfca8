"""What a call signs with and into what: the options where they say so, else the profile."""

from dataclasses import dataclass
from pathlib import Path

from certs.schemes import SignatureScheme, scheme_named
from exchange.cli.errors import KeyUnnamed, UsageInvalid
from exchange.cli.signing.options import SigningOptions
from exchange.cli.trust import known_profile
from exchange.client.profile import SigningChoices
from signer.requests import Level

_TOKEN_OPTIONS = ("token", "module", "certificate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The settled choices; `profile` has what only some commands ask for."""

    key: Path | None
    module: Path | None
    token: str
    certificate: str
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
    by_token = any(getattr(options, name) for name in _TOKEN_OPTIONS)
    if options.key is not None and by_token:
        raise UsageInvalid("--key and --token, --module, --certificate exclude each other")
    in_file = options.key or (None if by_token else kept.key)
    token = {
        name: None if in_file else getattr(options, name) or getattr(kept, name)
        for name in _TOKEN_OPTIONS
    }
    if in_file is None and not any(token.values()):
        raise KeyUnnamed
    return Choices(
        key=in_file,
        module=token["module"],
        token=token["token"] or "",
        certificate=token["certificate"] or "",
        level=_level(options.level or kept.level or Level.B_T),
        scheme=_scheme(options.scheme or kept.scheme),
        out=options.out or kept.out,
        profile=kept,
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
