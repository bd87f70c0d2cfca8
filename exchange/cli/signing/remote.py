"""A key at a remote signing service (CSC API v2), as options and profile name it."""

import sys
from contextlib import AsyncExitStack

from certs.keys import SigningKey
from certs.keys.csc import CscConsent, open_csc_key
from certs.keys.csc_http import CscService
from exchange.cli.errors import UsageInvalid
from exchange.cli.files import read_file
from exchange.cli.output import Output
from exchange.cli.passphrases import PassphraseSource
from exchange.cli.signing.choices import Choices
from exchange.cli.signing.options import KeyOptions

_MAX_TOKEN_BYTES = 16 * 1024


class RemoteOpening:
    """What opens the key, once, with the PIN that was asked for."""

    def __init__(self, options: KeyOptions, choices: Choices, *, output: Output) -> None:
        """Read the access token and ask for the PIN, now.

        Raises UsageInvalid, FileUnreadable, FetchRefused for an address that may not be asked.
        """
        if not choices.credential or choices.access_token is None:
            raise UsageInvalid("--remote needs --credential ID and --access-token-file FILE")
        content = read_file(choices.access_token, max_bytes=_MAX_TOKEN_BYTES)
        self._credential = choices.credential
        self._service = CscService(
            url=choices.remote,
            access_token=content.decode("ascii", errors="replace").strip(),
            plain_http=frozenset(options.allow or ()),
        )
        self._consent = CscConsent(pin=_pin(options, choices, output=output))

    async def __call__(self, stack: AsyncExitStack) -> SigningKey:
        """Open the key for as long as the stack lasts; raises KeyUnusable."""
        opened = open_csc_key(self._service, credential_id=self._credential, consent=self._consent)
        return await stack.enter_async_context(opened)


def _pin(options: KeyOptions, choices: Choices, *, output: Output) -> bytes:
    source = PassphraseSource(file=options.pin_file, descriptor=options.pin_fd)
    told = options.pin_file is not None or options.pin_fd is not None
    if not told and not sys.stdin.isatty():
        # Some credentials want no PIN; one that does says so without being given any.
        return b""
    return source.obtain(output.phrase("sign.pin", token=choices.credential))
