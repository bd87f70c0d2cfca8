"""Reasons a verdict can give: a table of stable codes and what each does to a verdict (pure)."""

from __future__ import annotations

from enum import StrEnum

from signer.verdicts import Verdict


class Reason(StrEnum):
    """Why a signature or a document is not simply valid. The codes are stable; never rename one.

    Codes of `signer.errors` (NOT_A_PDF, DOCUMENT_ENCRYPTED, …) appear beside these in reports of
    documents that could not be read at all.
    """

    # The document.
    UNSIGNED = "UNSIGNED"
    """No signature field is filled and nothing hints at a removed one."""
    TRAILING_DATA = "TRAILING_DATA"
    """Bytes follow the end of the last revision; repairing viewers may show them."""
    SIGNATURE_REMOVED = "SIGNATURE_REMOVED"
    """The bytes hold more signature dictionaries than the form's fields show."""
    TOO_MANY_SIGNATURES = "TOO_MANY_SIGNATURES"
    """More signatures than the limit; the rest was not judged."""
    TOO_MANY_CERTIFICATIONS = "TOO_MANY_CERTIFICATIONS"
    """More than one certification signature, where ISO 32000-2 §12.8.2.2 allows one."""
    # The structure of one signature (ISO 32000-2 §12.8.1).
    BYTE_RANGE_INVALID = "BYTE_RANGE_INVALID"
    """/ByteRange is not four integers around exactly this signature's /Contents."""
    CONTENTS_INVALID = "CONTENTS_INVALID"
    """/Contents is not one CMS object followed by zeros, inside a plain indirect dictionary."""
    REVISION_NOT_COVERED = "REVISION_NOT_COVERED"
    """The signed bytes do not end where the signed revision ends."""
    FIELD_UNREADABLE = "FIELD_UNREADABLE"
    """A field or its signature is broken so that it can't be read."""
    UNSUPPORTED_FORMAT = "UNSUPPORTED_FORMAT"
    """The /SubFilter names a format that this verifier does not judge."""
    NOT_PADES = "NOT_PADES"
    """A good signature of another kind (adbe.pkcs7.detached); policy must say whether it counts."""
    # Cryptography.
    DOCUMENT_ALTERED = "DOCUMENT_ALTERED"
    """Signed bytes or signed content were changed after signing."""
    SIGNATURE_BROKEN = "SIGNATURE_BROKEN"
    """The signature value does not belong to this certificate and content."""
    SIGNING_CERTIFICATE_MISMATCH = "SIGNING_CERTIFICATE_MISMATCH"
    """The signed attributes don't name the certificate beside them (or none)."""
    WEAK_ALGORITHM = "WEAK_ALGORITHM"
    """A digest or key below the accepted strength was used."""
    EXPERIMENTAL_ALGORITHM = "EXPERIMENTAL_ALGORITHM"
    """ML-DSA (FIPS 204), which no list of accepted algorithms names yet; the value is right."""
    # Changes after signing.
    HYBRID_REFERENCES = "HYBRID_REFERENCES"
    """The file has one table of objects for old readers and one for new: they may differ."""
    FORM_FILLED = "FORM_FILLED"
    """A form was filled in or comments were added after this signature, as it permits."""
    OVERLAY_FIELD = "OVERLAY_FIELD"
    """A visible signature field without a good signature was laid over the signed page."""
    CONTENT_COVERED = "CONTENT_COVERED"
    """What is seen of a later signature covers too much of a signed page."""
    NUMBER_ADDED_AFTER_SIGNATURE = "NUMBER_ADDED_AFTER_SIGNATURE"
    """Page content changed after this signature, but a later good signature covers all of it."""
    # Trust and time.
    NO_TRUSTED_PATH = "NO_TRUSTED_PATH"
    """No path leads from the certificate to an anchor of our trust store."""
    CERTIFICATE_UNSUITABLE = "CERTIFICATE_UNSUITABLE"
    """The certificate or its chain is not made for signing documents."""
    CERTIFICATE_REVOKED = "CERTIFICATE_REVOKED"
    """The certificate was revoked by the time that counts."""
    CERTIFICATE_EXPIRED = "CERTIFICATE_EXPIRED"
    """The certificate had expired by the time that counts."""
    CERTIFICATE_NOT_YET_VALID = "CERTIFICATE_NOT_YET_VALID"
    """The certificate was not valid yet at the time that counts."""
    REVOCATION_UNKNOWN = "REVOCATION_UNKNOWN"
    """Nothing proves that the certificate was not revoked."""
    SIGNED_LATER = "SIGNED_LATER"
    """The signature says that it is younger than the instant of judgement."""
    TIMESTAMP_INVALID = "TIMESTAMP_INVALID"
    """The time-stamp is broken or does not belong to this signature."""
    TIMESTAMP_UNTRUSTED = "TIMESTAMP_UNTRUSTED"
    """The time-stamp's authority is not proved trustworthy."""
    # What a verification policy asks for over and above (EN 319 102-1 §5.2.6, §5.2.8).
    ALGORITHM_NOT_ACCEPTED = "ALGORITHM_NOT_ACCEPTED"
    """The policy does not accept a digest, scheme, key or curve that was used."""
    ALGORITHM_OUTDATED = "ALGORITHM_OUTDATED"
    """An algorithm counts no longer, and nothing proves that it was used while it did."""
    AUTHORITY_CLASS_REFUSED = "AUTHORITY_CLASS_REFUSED"
    """The policy asks for a certificate of another class (công vụ, công cộng)."""
    AUTHORITY_OF_OTHER_BLOCK = "AUTHORITY_OF_OTHER_BLOCK"
    """The certificate's authority is not trusted for the block that the document comes from."""
    LEVEL_TOO_LOW = "LEVEL_TOO_LOW"
    """The policy asks for a higher level (B-T, B-LT, B-LTA)."""
    TIME_NOT_PROVED = "TIME_NOT_PROVED"
    """The policy asks for a time-stamp, and no good one covers the signature."""
    LEADER_SIGNATURE_MISSING = "LEADER_SIGNATURE_MISSING"
    """The policy asks for a person's signature, and there is none."""
    SEAL_SIGNATURE_MISSING = "SEAL_SIGNATURE_MISSING"
    """The policy asks for the organisation's seal, and there is none."""
    SIGNED_AFTER_SEAL = "SIGNED_AFTER_SEAL"
    """A person signed after the seal, which must come last (NĐ 30/2020 art. 32.2.d)."""


VERDICTS: dict[Reason, Verdict] = {
    Reason.UNSIGNED: Verdict.UNSIGNED,
    Reason.TRAILING_DATA: Verdict.INVALID,
    Reason.SIGNATURE_REMOVED: Verdict.INVALID,
    Reason.TOO_MANY_SIGNATURES: Verdict.INDETERMINATE,
    Reason.TOO_MANY_CERTIFICATIONS: Verdict.INVALID,
    Reason.BYTE_RANGE_INVALID: Verdict.INVALID,
    Reason.CONTENTS_INVALID: Verdict.INVALID,
    Reason.REVISION_NOT_COVERED: Verdict.INVALID,
    Reason.FIELD_UNREADABLE: Verdict.INDETERMINATE,
    Reason.UNSUPPORTED_FORMAT: Verdict.INDETERMINATE,
    Reason.NOT_PADES: Verdict.INDETERMINATE,
    Reason.DOCUMENT_ALTERED: Verdict.INVALID,
    Reason.SIGNATURE_BROKEN: Verdict.INVALID,
    Reason.SIGNING_CERTIFICATE_MISMATCH: Verdict.INDETERMINATE,
    Reason.WEAK_ALGORITHM: Verdict.INDETERMINATE,
    Reason.EXPERIMENTAL_ALGORITHM: Verdict.INDETERMINATE,
    Reason.HYBRID_REFERENCES: Verdict.INDETERMINATE,
    Reason.FORM_FILLED: Verdict.INDETERMINATE,
    Reason.OVERLAY_FIELD: Verdict.INVALID,
    Reason.CONTENT_COVERED: Verdict.INVALID,
    Reason.NUMBER_ADDED_AFTER_SIGNATURE: Verdict.INVALID,
    Reason.NO_TRUSTED_PATH: Verdict.INDETERMINATE,
    Reason.CERTIFICATE_UNSUITABLE: Verdict.INDETERMINATE,
    # EN 319 102-1 §5.2.6 cannot rule out that the signature is older than the revocation; where
    # the signer's own signing time lies after it, the signature fails for good.
    Reason.CERTIFICATE_REVOKED: Verdict.INDETERMINATE,
    Reason.CERTIFICATE_EXPIRED: Verdict.INDETERMINATE,
    Reason.CERTIFICATE_NOT_YET_VALID: Verdict.INDETERMINATE,
    Reason.REVOCATION_UNKNOWN: Verdict.INDETERMINATE,
    Reason.SIGNED_LATER: Verdict.INDETERMINATE,
    Reason.TIMESTAMP_INVALID: Verdict.INDETERMINATE,
    Reason.TIMESTAMP_UNTRUSTED: Verdict.INDETERMINATE,
    Reason.ALGORITHM_NOT_ACCEPTED: Verdict.INDETERMINATE,
    Reason.ALGORITHM_OUTDATED: Verdict.INDETERMINATE,
    Reason.AUTHORITY_CLASS_REFUSED: Verdict.INDETERMINATE,
    Reason.AUTHORITY_OF_OTHER_BLOCK: Verdict.INDETERMINATE,
    Reason.LEVEL_TOO_LOW: Verdict.INDETERMINATE,
    Reason.TIME_NOT_PROVED: Verdict.INDETERMINATE,
    Reason.LEADER_SIGNATURE_MISSING: Verdict.INDETERMINATE,
    Reason.SEAL_SIGNATURE_MISSING: Verdict.INDETERMINATE,
    Reason.SIGNED_AFTER_SEAL: Verdict.INDETERMINATE,
}
"""What each reason makes of a document whose other findings are good.

Two reasons may weigh more than here: CERTIFICATE_REVOKED and CERTIFICATE_NOT_YET_VALID make a
document INVALID where the signature itself, or its time-stamp, shows the time of signing.
"""
