"""The office's order (NĐ 30/2020 art. 13, 14, 32): leader, number and date, organisation (pure).

What comes too late would break a signature that is there, or have the organisation vouch for what
nobody signed. Copies and annexes carry the organisation's signature alone (art. 25.1.c, App. I,
III.1.d), so their acts ask for nothing before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import EncryptedObjAccess
from pyhanko.sign.fields import MDPPerm

from certs.errors import IdentityUnreadable
from certs.identity import IdentityKind, identify
from signer.engine.reading import (
    ENGINE_ERRORS,
    accelerated,
    dictionary,
    empty_dictionary,
    read_object,
)
from signer.errors import (
    FieldUnusable,
    NumberAfterSignature,
    NumberMissing,
    SealBeforeLeader,
)
from signer.office.number_and_date import LEADER_FIELD, TEXT_FIELDS
from signer.office.prepared_fields import prepared_fields
from signer.signature_fields import SignatureField, signature_fields
from signer.validation.changes import Locks, judge_changes, read_locks
from signer.validation.cms_signatures import CmsError, certificate_of, read_cms
from signer.verdicts import Changes

if TYPE_CHECKING:
    from pyhanko.pdf_utils.reader import PdfFileReader

_DOCUMENT_TIMESTAMP = "/ETSI.RFC3161"
_SPOILT = frozenset({Changes.FORBIDDEN, Changes.FORM_FILLED, Changes.UNKNOWN})


class Act(StrEnum):
    """What somebody is about to do with a document."""

    LEADER = "LEADER"
    """ký duyệt: the competent person signs."""
    NUMBER = "NUMBER"
    """vào số, ngày: the clerk fills in number and date."""
    SEAL = "SEAL"
    """ký số của cơ quan: the organisation signs an original."""
    ANNEX = "ANNEX"
    """ký phụ lục: the organisation signs an annex that is a file of its own."""
    COPY = "COPY"
    """ký sao: the organisation signs a copy (SAO Y, SAO LỤC, TRÍCH SAO)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSignature:
    """A signature that is there: whose kind, and what became of the document after it.

    kind: by its certificate, trusted or not; None where that can't be read. spoilt: whether later
    revisions changed more than further signatures, archival data and prepared fields do. frozen:
    whether it forbids every change. locked: the prepared fields it locks.
    """

    field_name: str
    kind: IdentityKind | None
    spoilt: bool = False
    frozen: bool = False
    locked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """How far a document has come.

    signatures: in the order of the form, document time-stamps left out. empty, filled: the
    prepared fields for number and date. waiting: the leaders' prepared fields without a signature.
    """

    signatures: tuple[MadeSignature, ...] = ()
    empty: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    @property
    def sealed(self) -> bool:
        """Whether an organisation signed."""
        return any(each.kind is IdentityKind.ORGANISATION for each in self.signatures)

    @property
    def signed_by_leader(self) -> bool:
        """Whether a person signed."""
        return any(each.kind is IdentityKind.PERSON for each in self.signatures)

    @property
    def spoilt(self) -> str:
        """The first signature after which the document was changed unlawfully; "" for none."""
        return next((each.field_name for each in self.signatures if each.spoilt), "")


def ensure_lawful(state: OrderState, act: Act) -> None:
    """Refuse an act whose time has not come, or is past.

    Raises SealBeforeLeader, NumberAfterSignature or NumberMissing; FieldUnusable where nobody
    signed yet and nothing was prepared for the number.
    """
    if act is Act.LEADER and state.sealed:
        raise SealBeforeLeader("the organisation signed it already")
    if act is Act.NUMBER:
        _ensure_number(state)
    elif act is Act.SEAL:
        _ensure_seal(state)


def _ensure_number(state: OrderState) -> None:
    for each in state.signatures:
        if each.kind is IdentityKind.ORGANISATION:
            raise NumberAfterSignature(f"{each.field_name} sealed the document")
        locked = set(each.locked).intersection(state.empty)
        if state.empty and (each.frozen or locked):
            what = ", ".join(sorted(locked)) or "all changes"
            raise NumberAfterSignature(f"{each.field_name} forbids {what}")
    if state.spoilt:
        raise NumberAfterSignature(f"the document was changed after {state.spoilt} was signed")
    if state.empty:
        return
    if state.filled:
        raise NumberAfterSignature("number and date are filled in already")
    if state.signatures:
        raise NumberAfterSignature(f"{state.signatures[0].field_name} signed without their fields")
    raise FieldUnusable("the document has no fields for number and date: prepare them")


def _ensure_seal(state: OrderState) -> None:
    # NĐ 30/2020 art. 32.2.d: only on what the competent person signed.
    if not state.signed_by_leader:
        raise SealBeforeLeader("no person signed it")
    if state.waiting:
        raise SealBeforeLeader(f"{', '.join(state.waiting)} not signed yet")
    if state.spoilt:
        raise NumberAfterSignature(f"the document was changed after {state.spoilt} was signed")
    if state.empty:
        raise NumberMissing(", ".join(state.empty))


def read_state(reader: PdfFileReader) -> OrderState:
    """Read how far a document has come; nothing is trusted, and nothing is verified.

    What can't be read of a signature counts as forbidding: its kind stays unknown.
    """
    with accelerated():
        return _read_state(reader)


def _read_state(reader: PdfFileReader) -> OrderState:
    signed = [field for field in signature_fields(reader) if field.signed]
    made = [(field, _kind(reader, field)) for field in signed if not _is_timestamp(reader, field)]
    sealed_in = min(
        (
            revision
            for field, kind in made
            if kind is IdentityKind.ORGANISATION
            and (revision := _revision(reader, field)) is not None
        ),
        default=None,
    )
    texts = prepared_fields(reader)
    return OrderState(
        signatures=tuple(
            _made(reader, field, kind=kind, sealed_in=sealed_in) for field, kind in made
        ),
        empty=tuple(name for name, text in texts.items() if text.value is None),
        filled=tuple(name for name, text in texts.items() if text.value is not None),
        waiting=tuple(
            field.name
            for field in signature_fields(reader)
            if field.name.startswith(LEADER_FIELD) and not field.signed
        ),
    )


def _made(
    reader: PdfFileReader,
    field: SignatureField,
    *,
    kind: IdentityKind | None,
    sealed_in: int | None,
) -> MadeSignature:
    revision, locks = _revision(reader, field), _locks(reader, field)
    if revision is None or locks is None:
        return MadeSignature(field_name=field.name, kind=kind, spoilt=True, frozen=True)
    changes = judge_changes(
        reader, revision, locks=locks, hollow=frozenset(), sealed_in=sealed_in
    ).changes
    return MadeSignature(
        field_name=field.name,
        kind=kind,
        spoilt=changes in _SPOILT,
        frozen=locks.document is MDPPerm.NO_CHANGES,
        locked=tuple(
            name
            for name in TEXT_FIELDS
            if locks.fields is not None and locks.fields.is_locked(name)
        ),
    )


def _value(reader: PdfFileReader, field: SignatureField) -> generic.DictionaryObject | None:
    if field.value is None:
        return None
    try:
        return dictionary(read_object(reader, field.value))
    except ENGINE_ERRORS:
        return None


def _is_timestamp(reader: PdfFileReader, field: SignatureField) -> bool:
    value = _value(reader, field)
    return value is not None and value.get("/SubFilter") == _DOCUMENT_TIMESTAMP


def _kind(reader: PdfFileReader, field: SignatureField) -> IdentityKind | None:
    value = _value(reader, field)
    try:
        # /Contents is never encrypted, whatever the rest is (ISO 32000-2 §7.6.2).
        contents = value.raw_get("/Contents", EncryptedObjAccess.RAW) if value is not None else None
        cms = read_cms(contents.original_bytes if contents is not None else b"")
        certificate = certificate_of(cms.certificate)
        return identify(certificate).kind if certificate is not None else None
    except (CmsError, IdentityUnreadable, *ENGINE_ERRORS):
        return None


def _revision(reader: PdfFileReader, field: SignatureField) -> int | None:
    """Return the revision that brought the signature: it covers that one and those before."""
    if field.value is None:
        return None
    try:
        return int(reader.xrefs.get_last_change(field.value))
    except ENGINE_ERRORS:
        return None


def _locks(reader: PdfFileReader, field: SignatureField) -> Locks | None:
    value = _value(reader, field)
    if value is None:
        return None
    try:
        owner = dictionary(read_object(reader, generic.Reference(field.number, 0, reader)))
        return read_locks(owner or empty_dictionary(), value)
    except ENGINE_ERRORS:
        return None
