"""Where the key of a call comes from: its secret is asked for once and tried once."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from certs.errors import CertificateUnsuitable
from certs.identity import IdentityKind, identify
from certs.keys import SigningKey
from certs.keys.file import load_key_file
from certs.paths.checking import PathChecker
from certs.paths.validation import PathStatus
from certs.schemes import EXPERIMENTAL
from certs.trust.anchors import AnchorRole
from exchange.cli.errors import FileUnreadable, UsageInvalid
from exchange.cli.files import read_file
from exchange.cli.output import Output
from exchange.cli.passphrases import PassphraseSource
from exchange.cli.signing.choices import Choices
from exchange.cli.signing.options import KeyOptions

_MAX_KEY_BYTES = 1024 * 1024

Opening = Callable[[AsyncExitStack], Awaitable[SigningKey]]
"""Opens the key for as long as the stack lasts."""


def obtain_key(options: KeyOptions, choices: Choices, *, output: Output) -> Opening:
    """Ask for the key's secret, now; give what opens the key, with one attempt.

    Raises FileUnreadable, PassphraseMissing, KeyUnusable.
    """
    if choices.key is not None:
        return _from_file(choices.key, options, choices=choices, output=output)
    if choices.remote:
        # Loaded here: most keys need no client of remote services.
        from exchange.cli.signing.remote import RemoteOpening  # noqa: PLC0415

        return RemoteOpening(options, choices, output=output)
    if choices.module is None:
        raise UsageInvalid("--token needs --module FILE, the token's PKCS#11 library")
    return _from_token(choices.module, options, choices=choices, output=output)


def name_of_key(choices: Choices) -> str:
    """Name the key without opening it, for a dry run."""
    if choices.key is not None:
        return choices.key.name
    if choices.remote:
        return f"{choices.credential} @ {choices.remote}"
    return choices.certificate or choices.token or str(choices.module)


async def require_fit(
    key: SigningKey, checker: PathChecker, *, kind: IdentityKind | None, accept_unknown: bool
) -> bool:
    """Check the signer's certificate before it is used (NĐ 68/2024 art. 29).

    kind: whose it must be. False where its revocation is unknown and that is accepted. Raises
    CertificateRefused.
    """
    found = identify(key.certificate).kind
    if kind is not None and found is not kind:
        raise CertificateUnsuitable(f"it is of kind {found}, this command needs {kind}")
    verdict = await checker.check(
        key.certificate,
        intermediates=key.chain,
        role=AnchorRole.SEAL if found is IdentityKind.ORGANISATION else AnchorRole.SIGNER,
    )
    if verdict.status is PathStatus.REVOCATION_UNKNOWN and accept_unknown:
        return False
    verdict.raise_for_status()
    return True


def _from_file(path: Path, options: KeyOptions, *, choices: Choices, output: Output) -> Opening:
    source = PassphraseSource(file=options.passphrase_file, descriptor=options.passphrase_fd)
    content = read_file(path, max_bytes=_MAX_KEY_BYTES)
    passphrase = source.obtain(output.phrase("sign.passphrase", key=path.name))
    # An experimental key signs only where its scheme is asked for by name.
    experimental = choices.scheme is not None and choices.scheme.family in EXPERIMENTAL
    key = load_key_file(content, passphrase, experimental=experimental)

    async def opened(_: AsyncExitStack) -> SigningKey:
        return key

    return opened


def _from_token(module: Path, options: KeyOptions, *, choices: Choices, output: Output) -> Opening:
    # Loaded here: signing with a file needs no driver of tokens.
    from certs.keys.pkcs11 import open_token_key  # noqa: PLC0415
    from certs.keys.pkcs11_tokens import (  # noqa: PLC0415
        KeySelector,
        list_tokens,
        why_not_to_try,
    )
    from certs.keys.pkcs11_turns import TokenAccess  # noqa: PLC0415

    access = TokenAccess(
        pin_origin=_origin(options.pin_file), allow_last_try=options.allow_final_try
    )
    selector = KeySelector(fingerprint=choices.certificate)
    label = choices.certificate[:16]
    for info in list_tokens(module, access=access):
        if not choices.token or choices.token in (info.label, info.serial):
            if choices.token:
                selector = replace(selector, token_serial=info.serial)
            label = info.label
            # Asked for before the PIN, so that nobody types one that must not be tried.
            if refusal := why_not_to_try(info, allow_last_try=options.allow_final_try):
                raise refusal
            if info.pin_count_low:
                output.note(output.phrase("sign.pin_count_low", token=label), style="bold red")
    if choices.token and not selector.token_serial:
        selector = replace(selector, token_label=choices.token)
    source = PassphraseSource(file=options.pin_file, descriptor=options.pin_fd)
    pin = source.obtain(output.phrase("sign.pin", token=label))

    async def opened(_: AsyncExitStack) -> SigningKey:
        return await open_token_key(module, selector=selector, pin=pin, access=access)

    return opened


def _origin(file: Path | None) -> str:
    """Say where a PIN comes from, so that one that was refused is not tried again from there."""
    if file is None:
        return ""
    try:
        return f"{file.absolute()} {file.stat().st_mtime_ns}"
    except OSError as error:
        raise FileUnreadable(f"{file}: {error.strerror}") from error
