"""Where the key of a call comes from: its secret is asked for once and tried once."""

from pathlib import Path

from certs.anchors import AnchorRole
from certs.checking import PathChecker
from certs.identity import IdentityKind, identify
from certs.keys import SigningKey
from certs.keys.file import load_pkcs12
from certs.path import PathStatus
from exchange.cli.errors import UsageInvalid
from exchange.cli.files import read_file
from exchange.cli.output import Output
from exchange.cli.passphrases import PassphraseSource
from exchange.cli.signing.choices import Choices
from exchange.cli.signing.options import SigningOptions

_MAX_KEY_BYTES = 1024 * 1024


def obtain_key(options: SigningOptions, choices: Choices, *, output: Output) -> SigningKey:
    """Open the key of the call; whoever must be asked is asked once, and one attempt is made.

    Raises FileUnreadable, PassphraseMissing, KeyUnusable.
    """
    if choices.key is None:
        raise UsageInvalid("--token needs --module FILE, the token's PKCS#11 library")
    return _from_file(choices.key, options, output=output)


def name_of_key(choices: Choices) -> str:
    """Name the key without opening it, for a dry run."""
    if choices.key is not None:
        return choices.key.name
    return choices.certificate or choices.token or str(choices.module)


def _from_file(path: Path, options: SigningOptions, *, output: Output) -> SigningKey:
    source = PassphraseSource(file=options.passphrase_file, descriptor=options.passphrase_fd)
    content = read_file(path, max_bytes=_MAX_KEY_BYTES)
    return load_pkcs12(content, source.obtain(output.phrase("sign.passphrase", key=path.name)))


async def require_fit(key: SigningKey, checker: PathChecker, *, accept_unknown: bool) -> bool:
    """Check the signer's certificate before it is used (NĐ 68/2024 art. 29).

    False where its revocation is unknown and that is accepted. Raises CertificateRefused.
    """
    organisation = identify(key.certificate).kind is IdentityKind.ORGANISATION
    verdict = await checker.check(
        key.certificate,
        intermediates=key.chain,
        role=AnchorRole.SEAL if organisation else AnchorRole.SIGNER,
    )
    if verdict.status is PathStatus.REVOCATION_UNKNOWN and accept_unknown:
        return False
    verdict.raise_for_status()
    return True
