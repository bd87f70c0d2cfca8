"""Prepare a stranger's document for its signature: plain ones here, all others in a sandbox."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signer import limits as limits_module
from signer.creation.credential import credential_for
from signer.creation.opening import document_errors, open_for_update
from signer.creation.preparation import prepare_update
from signer.creation.prepared import PreparedSignature
from signer.creation.requests import SigningRequest, check_request
from signer.creation.signing import ALL_FAMILIES
from signer.creation.update import PendingUpdate
from signer.document import admit_source
from signer.errors import SandboxBroken
from signer.fastlane.lane import fast_update
from signer.office.field_places import FieldPlaces, office_fields
from signer.office.filling import fill_fields
from signer.office.lawful_order import Act, ensure_lawful, read_state
from signer.office.number_and_date import FieldValues
from signer.office.preparing import prepare
from signer.pages.text import read_pages
from signer.sandbox.guarded_extending import require_bounded
from signer.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from certs.schemes import SignatureScheme
    from signer.creation.credential import Credential
    from signer.sandbox.pool import Sandbox

    T = TypeVar("T")


INLINE_BYTES: Final = 2_000_000
"""Larger documents are worked on in a thread: a service has other callers waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureWanted:
    """Which signature a document is to get.

    certificates: the signer's, then its issuers'. request.scheme None takes the key's best.
    token_bytes: room for a time-stamp token. act: what the signature is in the office's order,
    which is then kept; None keeps no order. values: number and date, filled in before.
    """

    certificates: tuple[x509.Certificate, ...]
    request: SigningRequest
    token_bytes: int
    act: Act | None = None
    values: FieldValues | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedPreparation:
    """A prepared signature, and what is written between the document and its update."""

    filled: bytes
    signature: PreparedSignature


async def prepare_guarded(
    source: Source, *, path: Path | None, sandbox: Sandbox, wanted: SignatureWanted
) -> GuardedPreparation:
    """Prepare as `prepare_signature` does, with bounded work in this process.

    path: where the file of a source lies that is not in memory. What the quick way doesn't take
    goes to the engine in the sandbox: SandboxLimitExceeded where a document costs too much there.
    """
    credential = credential_for(wanted.certificates, ALL_FAMILIES, wanted=wanted.request.scheme)
    limits = limits_module.DEFAULT
    check_request(
        wanted.request,
        valid_from=credential.valid_from,
        valid_until=credential.valid_until,
        limits=limits,
    )
    if wanted.request.level.long_term:
        # What comes after such a signature is written here, by the engine.
        await require_bounded(source, path=path, sandbox=sandbox, at=wanted.request.signed_at)
    reserve = credential.max_container_bytes + wanted.token_bytes
    quick = await _quick(source, wanted, credential=credential, reserve=reserve)
    if quick is not None:
        filled, update = b"", quick
    else:
        # The quick way bounds its work itself; the engine's is bounded here and in the sandbox.
        await _off_loop(source, lambda: admit_source(source, limits))
        filled, update = await sandbox.run(
            prepare_for_stranger,
            source.read() if path is None else path,
            wanted=_portable(wanted, credential.scheme),
            reserve=reserve,
        )
    whole = source.followed_by(filled) if filled else source
    _require_sound(update, whole, reserve=reserve)
    # Digested here: what the sandbox says about the document's own bytes is not believed.
    digest = await _off_loop(source, partial(update.digest, whole, credential.digest_algorithm))
    return GuardedPreparation(
        filled=filled,
        signature=PreparedSignature(
            update=update,
            certificates=wanted.certificates,
            scheme=credential.scheme,
            level=wanted.request.level,
            data_to_be_signed=credential.template.signed_attributes(digest),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PortableWanted:
    """A SignatureWanted that travels to another process: its certificates are bytes (DER)."""

    certificates: tuple[bytes, ...]
    request: SigningRequest
    act: Act | None
    values: FieldValues | None


def prepare_for_stranger(
    document: bytes | Path, *, wanted: PortableWanted, reserve: int
) -> tuple[bytes, PendingUpdate]:
    """Return what fills in number and date, and the signature's update: a sandbox's work."""
    certificates = tuple(x509.load_der_x509_certificate(each) for each in wanted.certificates)
    credential = credential_for(certificates, ALL_FAMILIES, wanted=wanted.request.scheme)
    opened = Source.of_file(document) if isinstance(document, Path) else Source.of_bytes(document)
    with opened as source:
        filled = fill_fields(source, values=wanted.values) if wanted.values is not None else b""
        whole = source.followed_by(filled) if filled else source
        if wanted.act is not None:
            with document_errors():
                ensure_lawful(read_state(open_for_update(whole).prev), wanted.act)
        return filled, prepare_update(
            whole, credential=credential, request=wanted.request, reserve=reserve
        )


def _portable(wanted: SignatureWanted, scheme: SignatureScheme) -> PortableWanted:
    return PortableWanted(
        certificates=tuple(each.public_bytes(Encoding.DER) for each in wanted.certificates),
        request=replace(wanted.request, scheme=scheme),
        act=wanted.act,
        values=wanted.values,
    )


async def prepare_fields_guarded(
    source: Source,
    *,
    path: Path | None,
    sandbox: Sandbox,
    places: FieldPlaces | None,
    leaders: tuple[str, ...] = (),
) -> bytes:
    """Return the update that adds empty fields for number, date, leaders and seal.

    places: None finds those of NĐ 30/2020 by the page's text; leaders are then the names of who
    will sign. Raises as `signer.office.preparing.prepare`, PlaceNotFound and SandboxLimitExceeded.
    """
    await _off_loop(source, lambda: admit_source(source))
    document = source.read() if path is None else path
    return await sandbox.run(fields_for_stranger, document, places=places, leaders=leaders)


def fields_for_stranger(
    document: bytes | Path, *, places: FieldPlaces | None, leaders: tuple[str, ...]
) -> bytes:
    """Find the places where they are not given, and add the fields: a sandbox's work."""
    opened = Source.of_file(document) if isinstance(document, Path) else Source.of_bytes(document)
    with opened as source:
        if places is None:
            places = office_fields(read_pages(source.read(), names=leaders), leaders=leaders)
        return prepare(source, places=places)


async def _quick(
    source: Source, wanted: SignatureWanted, *, credential: Credential, reserve: int
) -> PendingUpdate | None:
    if wanted.act is not None or wanted.values is not None:
        return None
    return await _off_loop(
        source,
        lambda: fast_update(source, credential=credential, request=wanted.request, reserve=reserve),
    )


async def _off_loop(source: Source, act: Callable[[], T]) -> T:
    """Do in a thread what takes long with a large document; a hop costs more than a small one."""
    return await asyncio.to_thread(act) if source.size > INLINE_BYTES else act()


def _require_sound(update: PendingUpdate, source: Source, *, reserve: int) -> None:
    """Refuse an update whose gap is not where a signature's value can go."""
    start, end = update.gap_start - update.start, update.gap_end - update.start
    gap = update.content[start:end] if 0 < start < end else b""
    if update.start != source.size or gap != b"<" + b"0" * (2 * reserve) + b">":
        raise SandboxBroken("an update that does not fit the document")
