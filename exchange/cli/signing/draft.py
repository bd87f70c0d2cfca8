"""What a command makes of each document, as the run sees it: its look, and its signature."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from certs.identity import IdentityKind
from certs.keys import SigningKey
from certs.paths.checking import PathChecker
from certs.timestamping import HttpTimestamper
from exchange.cli.output import Output
from signer.office.roles import OfficeSigning
from signer.pages.appearance import Appearance
from signer.sandbox.pool import Sandbox
from signer.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What will be seen of a signature: in the field of that name, or in the appearance's box."""

    appearance: Appearance
    field_name: str | None = None
    signing: OfficeSigning | None = None

    def told(self, output: Output) -> str:
        """Say where it goes."""
        box = self.appearance.box
        if box is None:
            return output.phrase("sign.place_field", name=self.field_name or "")
        return output.phrase(
            "sign.place_box",
            page=box.page,
            left=f"{box.left_mm:.0f}",
            bottom=f"{box.bottom_mm:.0f}",
            width=f"{box.width_mm:.0f}",
            height=f"{box.height_mm:.0f}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a call signs with once its key is open."""

    key: SigningKey
    timestamper: HttpTimestamper | None
    checker: PathChecker
    sandbox: Sandbox


class Draft(Protocol):
    """What a command makes of each document, settled before any key is at hand."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that shapes the result but the key, as JSON values."""
        ...

    @property
    def former_suffixes(self) -> tuple[str, ...]:
        """Endings of names that the result's takes the place of."""
        ...

    @property
    def reads_pages(self) -> bool:
        """Whether documents are read, in a sandbox, to find the place."""
        ...

    @property
    def signer_kind(self) -> IdentityKind | None:
        """Whose certificate is needed; None where either's will do."""
        ...

    async def look(self, source: Source, at: datetime, *, sandbox: Sandbox) -> Look | None:
        """What would be seen on this document, None for an invisible signature.

        Raises DocumentRefused, SigningRefused as signing does.
        """
        ...

    async def sign(self, source: Source, at: datetime, *, tools: Tools) -> bytes:
        """Sign one document; gives what comes after it."""
        ...
