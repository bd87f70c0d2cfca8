"""What signature to make: level, scheme, field, looks, and what it forbids afterwards (pure)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

from certs.errors import CertificateExpired, CertificateNotYetValid
from signer.errors import FieldUnusable, TextUnprintable
from signer.pages.appearance import Appearance, check_appearance

if TYPE_CHECKING:
    from certs.schemes import SignatureScheme
    from signer.limits import DocumentLimits

_MAX_LOCKED_FIELDS: Final = 200


class Level(StrEnum):
    """Baseline levels of PAdES signatures (EN 319 142-1 §6)."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"

    @property
    def timestamped(self) -> bool:
        """Whether a time-stamp proves when the signature existed."""
        return self is not Level.B_B

    @property
    def long_term(self) -> bool:
        """Whether the document carries the evidence for its own verification."""
        return self in (Level.B_LT, Level.B_LTA)


class Permission(IntEnum):
    """What a signature still allows: DocMDP's P (ISO 32000-2 Table 257)."""

    NO_CHANGES = 1
    FILL_FORMS = 2
    ANNOTATE = 3


class LockAction(StrEnum):
    """Which fields a signature locks (ISO 32000-2 Table 236)."""

    ALL = "All"
    INCLUDE = "Include"
    EXCLUDE = "Exclude"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLock:
    """Fields that may not change once the signature is there (FieldMDP).

    fields: full names; none with ALL, at least one otherwise.
    permission: for the document as a whole, as PDF 2.0 lets approval signatures say.
    """

    action: LockAction
    fields: tuple[str, ...] = ()
    permission: Permission | None = None

    def __post_init__(self) -> None:
        """Refuse a lock that would not say what it locks."""
        if (self.action is LockAction.ALL) != (not self.fields):
            raise FieldUnusable("a lock names its fields, unless it locks all of them")
        if len(self.fields) > _MAX_LOCKED_FIELDS or not all(self.fields):
            raise FieldUnusable(f"a lock names 1 to {_MAX_LOCKED_FIELDS} fields")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRequest:
    """What signature to make.

    signed_at: the time claimed in the signature dictionary (/M), aware; the clock is the caller's.
    field_name: of an empty signature field to sign or of a new one; None names a new one.
    appearance: None makes an invisible signature, or leaves an existing visible field blank.
    reason, location: texts of the signature dictionary, kept in Unicode NFC.
    scheme: None takes the one that suits the key (certs.schemes.preferred_scheme).
    certification: makes a certifying signature, which must be the first; None approves.
    lock: fields that may not change afterwards.
    """

    level: Level
    signed_at: datetime
    field_name: str | None = None
    appearance: Appearance | None = None
    reason: str | None = None
    location: str | None = None
    scheme: SignatureScheme | None = None
    certification: Permission | None = None
    lock: FieldLock | None = None

    def __post_init__(self) -> None:
        """Refuse a time without zone and an empty name; bring the texts to NFC."""
        if self.signed_at.tzinfo is None:
            raise ValueError("signed_at must be an aware datetime")
        object.__setattr__(self, "signed_at", self.signed_at.astimezone(UTC))
        if self.field_name is not None and not self.field_name.strip():
            raise FieldUnusable("the name is empty")
        for name in ("reason", "location"):
            text = getattr(self, name)
            if text is not None:
                object.__setattr__(self, name, unicodedata.normalize("NFC", text))


def check_request(
    request: SigningRequest, *, valid_from: datetime, valid_until: datetime, limits: DocumentLimits
) -> None:
    """Refuse what no document need be read for: the certificate's time, pictures, long texts.

    Raises CertificateExpired, CertificateNotYetValid, PictureUnreadable or TextUnprintable.
    """
    if request.signed_at < valid_from:
        raise CertificateNotYetValid(f"valid from {valid_from.isoformat()}")
    if request.signed_at > valid_until:
        raise CertificateExpired(f"valid until {valid_until.isoformat()}")
    if request.appearance is not None:
        check_appearance(request.appearance, limits)
    for text in (request.reason, request.location, request.field_name):
        if text is not None and len(text) > limits.max_line_characters:
            raise TextUnprintable(f"a text is longer than {limits.max_line_characters} characters")
