"""Everything that can go wrong in signing and verifying, cut by what the caller can do about it.

    SignerError
    ├── DocumentRefused            the document itself: get another copy
    │   ├── NotAPdf                    NOT_A_PDF
    │   ├── DocumentEncrypted          DOCUMENT_ENCRYPTED
    │   ├── DocumentTruncated          DOCUMENT_TRUNCATED
    │   ├── DocumentMalformed          DOCUMENT_MALFORMED
    │   └── DocumentTooLarge           DOCUMENT_TOO_LARGE
    ├── SigningRefused             what was asked for: change the request
    │   ├── FieldExists                FIELD_EXISTS
    │   ├── FieldUnusable              FIELD_UNUSABLE
    │   ├── PictureUnreadable          PICTURE_UNREADABLE
    │   ├── PlacementInvalid           PLACEMENT_INVALID
    │   ├── PlaceNotFound              PLACE_NOT_FOUND
    │   ├── TextUnprintable            TEXT_UNPRINTABLE
    │   ├── ChangesForbidden           CHANGES_FORBIDDEN
    │   │   └── NumberAfterSignature   NUMBER_AFTER_SIGNATURE
    │   ├── SealBeforeLeader           SEAL_BEFORE_LEADER
    │   ├── NumberMissing              NUMBER_MISSING
    │   ├── NumberInvalid              NUMBER_INVALID
    │   ├── FieldsPrepared             FIELDS_PREPARED
    │   ├── LevelUnavailable           LEVEL_UNAVAILABLE
    │   ├── TimestamperMissing         TIMESTAMPER_MISSING
    │   ├── ContainerTooLarge          CONTAINER_TOO_LARGE
    │   └── KeyUnsupported             KEY_UNSUPPORTED
    ├── VerificationFailed         a judgement other than VALID; carries the report
    │   ├── SignatureInvalid           SIGNATURE_INVALID
    │   ├── SignatureUndetermined      SIGNATURE_UNDETERMINED
    │   └── SignatureMissing           SIGNATURE_MISSING
    ├── PolicyInvalid              POLICY_INVALID: a file that says what signatures must be
    │   └── PolicyNotInForce           POLICY_NOT_IN_FORCE: its valid_from is yet to come
    └── SandboxFailed              the process that reads strangers' bytes
        ├── SandboxLimitExceeded       SANDBOX_LIMIT_EXCEEDED
        └── SandboxBroken              SANDBOX_BROKEN

A time-stamp that can't be had is ``certs.errors.TimestampFailed``: it passes through unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from signer.report import Report


class SignerError(Exception):
    """Signing or verifying failed. The reason says why."""

    reason: ClassVar[str] = ""

    def __init__(self, detail: str = "") -> None:
        """Keep `detail`, which str() appends to the class's default message."""
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        """Return the default message, followed by the detail where there is one."""
        message = (type(self).__doc__ or "").strip().partition("\n")[0]
        return f"{message} ({self.detail})" if self.detail else message


class DocumentRefused(SignerError):
    """The document can't be used as it is. Get another copy of it."""


class NotAPdf(DocumentRefused):
    """The file is not a PDF document. Export the document as PDF and try again."""

    reason = "NOT_A_PDF"


class DocumentEncrypted(DocumentRefused):
    """The PDF needs a password, or its encryption can't be kept. Remove the encryption first."""

    reason = "DOCUMENT_ENCRYPTED"


class DocumentTruncated(DocumentRefused):
    """The PDF ends too early, as after a broken transfer. Fetch it again from its source."""

    reason = "DOCUMENT_TRUNCATED"


class DocumentMalformed(DocumentRefused):
    """The PDF breaks the rules of its format. Export the document as PDF again."""

    reason = "DOCUMENT_MALFORMED"


class DocumentTooLarge(DocumentRefused):
    """The PDF exceeds a limit of this service. Make it smaller or ask the operator."""

    reason = "DOCUMENT_TOO_LARGE"


class SigningRefused(SignerError):
    """The signature can't be made as requested. Change the request."""


class FieldExists(SigningRefused):
    """The signature field exists already and can't be signed. Choose another field name."""

    reason = "FIELD_EXISTS"


class FieldUnusable(SigningRefused):
    """The field can't take this signature. Choose another field or leave its name out."""

    reason = "FIELD_UNUSABLE"


class PictureUnreadable(SigningRefused):
    """The signature's picture can't be used. Give a PNG picture within the limits."""

    reason = "PICTURE_UNREADABLE"


class PlacementInvalid(SigningRefused):
    """The visible signature doesn't fit where it should go. Change its page, place or size."""

    reason = "PLACEMENT_INVALID"


class PlaceNotFound(SigningRefused):
    """No free place was found on the page. Name the signer as printed, or give the place."""

    reason = "PLACE_NOT_FOUND"


class TextUnprintable(SigningRefused):
    """The signature's text has characters that the font lacks. Use Vietnamese or Latin text."""

    reason = "TEXT_UNPRINTABLE"


class ChangesForbidden(SigningRefused):
    """An earlier signature forbids adding this one. Sign the document before it is certified."""

    reason = "CHANGES_FORBIDDEN"


class NumberAfterSignature(ChangesForbidden):
    """Number and date can't follow this signature. Prepare their fields, then sign again."""

    reason = "NUMBER_AFTER_SIGNATURE"


class SealBeforeLeader(SigningRefused):
    """The organisation seals what the leader signed before. Have the leader sign first."""

    reason = "SEAL_BEFORE_LEADER"


class NumberMissing(SigningRefused):
    """The fields for number and date are still empty. Give both: nothing may follow the seal."""

    reason = "NUMBER_MISSING"


class NumberInvalid(SigningRefused):
    """Number or date isn't written as NĐ 30/2020 wants. Write 09/QĐ-UBND, ngày 05 tháng 02 …."""

    reason = "NUMBER_INVALID"


class FieldsPrepared(SigningRefused):
    """The document has these fields already. Let the leader sign it: there is nothing to do."""

    reason = "FIELDS_PREPARED"


class LevelUnavailable(SigningRefused):
    """Signatures are not extended to this level. Ask for level B-T, B-LT or B-LTA."""

    reason = "LEVEL_UNAVAILABLE"


class TimestamperMissing(SigningRefused):
    """A signature of this level needs a time-stamping service. Configure one or ask for B-B."""

    reason = "TIMESTAMPER_MISSING"


class ContainerTooLarge(SigningRefused):
    """The signature with its time-stamp is larger than the room reserved for it. Sign anew."""

    reason = "CONTAINER_TOO_LARGE"


class KeyUnsupported(SigningRefused):
    """Signatures with this kind of key can't be made. Use an RSA, ECDSA or Ed25519 key."""

    reason = "KEY_UNSUPPORTED"


class VerificationFailed(SignerError):
    """The document's signatures were not found valid. Read the report for the reason."""

    def __init__(self, report: Report, detail: str = "") -> None:
        """Keep the `report` that says what was found."""
        super().__init__(detail)
        self.report = report


class SignatureInvalid(VerificationFailed):
    """A signature of the document is invalid. Don't rely on it; ask the sender for another."""

    reason = "SIGNATURE_INVALID"


class SignatureUndetermined(VerificationFailed):
    """A signature can't be judged yet. Provide the missing evidence and verify again."""

    reason = "SIGNATURE_UNDETERMINED"


class SignatureMissing(VerificationFailed):
    """The document has no signature. Ask the sender for a signed copy."""

    reason = "SIGNATURE_MISSING"


class PolicyInvalid(SignerError):
    """The verification policy can't be used. Correct its file at the places named."""

    reason = "POLICY_INVALID"


class PolicyNotInForce(PolicyInvalid):
    """The verification policy is not in force yet. Use the one that is until the day it names."""

    reason = "POLICY_NOT_IN_FORCE"


class SandboxFailed(SignerError):
    """The process that reads documents failed. Try again, or ask the operator."""


class SandboxLimitExceeded(SandboxFailed):
    """Reading the document took more time or memory than allowed. Treat it as unreadable."""

    reason = "SANDBOX_LIMIT_EXCEEDED"


class SandboxBroken(SandboxFailed):
    """The process that reads documents could not be run. Ask the operator to look at its log."""

    reason = "SANDBOX_BROKEN"
