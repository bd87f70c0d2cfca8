"""The office's own signatures (NĐ 30/2020): approve, issue, annex, copy; placed by themselves."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from certs.identity import IdentityKind
from exchange.cli.files import read_file
from exchange.cli.signing.choices import Choices
from exchange.cli.signing.draft import Look, Tools
from signer.creation.opening import document_errors, open_for_update
from signer.creation.requests import SigningRequest
from signer.creation.signing import sign_tail
from signer.limits import DEFAULT as LIMITS
from signer.office.blanks import printed_symbol
from signer.office.filling import fill_fields
from signer.office.lawful_order import Act, ensure_lawful, read_state
from signer.office.looks import office_look
from signer.office.number_and_date import FieldValues
from signer.office.pictures import picture_facts
from signer.office.roles import OfficeRole, OfficeSigning
from signer.pages.appearance import Appearance, check_appearance
from signer.sandbox.pool import Sandbox
from signer.source import Source

_ACTS: Mapping[OfficeRole, Act] = {
    OfficeRole.LEADER_APPROVAL: Act.LEADER,
    OfficeRole.ORGANISATION_SEAL: Act.SEAL,
    OfficeRole.ANNEX: Act.ANNEX,
    OfficeRole.COPY: Act.COPY,
}

FORMER_SUFFIXES = ("_daduyet", "_chuanbi")
"""What earlier steps put behind a document's name: the next one's takes its place."""

Values = Callable[[datetime], FieldValues]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeDraft:
    """A signature of the office: in its lawful turn, where the law wants it seen.

    signing: gives what the signature is for at an instant. values: gives what is filled into the
    prepared fields first; None fills nothing. given: what the user said, for the journal.
    """

    choices: Choices
    role: OfficeRole
    reason: str
    signing: Callable[[datetime], OfficeSigning]
    given: Mapping[str, Any]
    values: Values | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that shapes the signature but the key."""
        return {"act": self.role, **self.given}

    @property
    def former_suffixes(self) -> tuple[str, ...]:
        """Those of the steps before."""
        return FORMER_SUFFIXES

    @property
    def reads_pages(self) -> bool:
        """Always: the place is found on the pages."""
        return True

    @property
    def signer_kind(self) -> IdentityKind:
        """A person approves, the organisation does all else (TT 22/2020 art. 5)."""
        approval = self.role is OfficeRole.LEADER_APPROVAL
        return IdentityKind.PERSON if approval else IdentityKind.ORGANISATION

    async def look(self, source: Source, at: datetime, *, sandbox: Sandbox) -> Look:
        """What is seen, and where, found by the text and the fields of the pages."""
        signing = self.signing(at)
        names = (signing.signer,) if signing.signer else ()
        document = await asyncio.to_thread(source.read)
        facts = await sandbox.read_pages(document, names=names)
        if self.values is not None and (number := self.values(at).number) is not None:
            number.require_symbol(printed_symbol(facts.first))
        found = office_look(facts, signing)
        return Look(appearance=found.appearance, field_name=found.field_name, signing=signing)

    async def sign(self, source: Source, at: datetime, *, tools: Tools) -> bytes:
        """Fill in what is asked for, see that the turn has come, then sign."""
        filled = b""
        if self.values is not None:
            filled = await asyncio.to_thread(fill_fields, source, values=self.values(at))
            source = source.followed_by(filled)
        await asyncio.to_thread(ensure_turn, source, _ACTS[self.role])
        look = await self.look(source, at, sandbox=tools.sandbox)
        request = SigningRequest(
            level=self.choices.level,
            signed_at=at,
            field_name=look.field_name,
            appearance=look.appearance,
            reason=self.reason or None,
            scheme=self.choices.scheme,
        )
        tail = await sign_tail(
            source,
            key=tools.key,
            request=request,
            timestamper=tools.timestamper,
            checker=tools.checker,
        )
        return filled + tail


def ensure_turn(source: Source, act: Act) -> None:
    """Refuse an act whose time has not come, or is past; raises as ensure_lawful does."""
    with document_errors():
        ensure_lawful(read_state(open_for_update(source).prev), act)


def read_picture(path: Path) -> bytes:
    """Read a picture and see that it is one, before any document is touched.

    Raises FileUnreadable, PictureUnreadable.
    """
    content = read_file(path, max_bytes=LIMITS.max_picture_bytes)
    check_appearance(Appearance(picture=content), LIMITS)
    picture_facts(content)
    return content


def digest_of(content: bytes | None) -> str:
    """Digest a picture for the journal, "" for none."""
    return hashlib.sha256(content).hexdigest() if content else ""
