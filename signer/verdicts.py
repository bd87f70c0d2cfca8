"""The words in which a verdict is given, as EN 319 102-1 and our reports use them (pure)."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What a reader may conclude about a whole document."""

    VALID = "VALID"
    """hợp lệ: every signature is good, trusted, and nothing forbidden happened afterwards."""
    INVALID = "INVALID"
    """không hợp lệ: something was forged, broken or altered."""
    INDETERMINATE = "INDETERMINATE"
    """chưa xác định: evidence or trust is missing; never to be read as a pass."""
    UNSIGNED = "UNSIGNED"
    """chưa ký số: the document has no signature at all."""
    UNREADABLE = "UNREADABLE"
    """không đọc được: the document could not be read within the limits."""


class Indication(StrEnum):
    """Main status indications (EN 319 102-1 §5.1.3, table 5)."""

    TOTAL_PASSED = "TOTAL_PASSED"
    TOTAL_FAILED = "TOTAL_FAILED"
    INDETERMINATE = "INDETERMINATE"


class SubIndication(StrEnum):
    """Sub-indications (EN 319 102-1 §5.1.3, table 6) that this verifier gives.

    The standard has more: for signature policies inside signatures and for signed data elsewhere,
    which PAdES has not, and POLICY_PROCESSING_ERROR: a policy that can't be read is refused before
    anything is judged.
    """

    FORMAT_FAILURE = "FORMAT_FAILURE"
    """§5.2.2: the signature, its place in the file or what was changed after it breaks the
    format."""
    HASH_FAILURE = "HASH_FAILURE"
    """§5.2.7: the signed bytes are not those whose digest was signed."""
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    """§5.2.7: the value does not verify with the certificate's key."""
    REVOKED = "REVOKED"
    """§5.2.6: revoked, and by its own word the signature was made after that."""
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    """§5.2.8: what is asked of good signatures is not met: a form was filled in, or by the
    policy."""
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    """§5.2.6: the certificate or its path is not made for this, or not of the policy's choice."""
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    """§5.2.8, §5.2.6: an algorithm or a key that counts at no time."""
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    """§5.2.8: an algorithm that counts no longer, and nothing proves that it was used before."""
    NOT_YET_VALID = "NOT_YET_VALID"
    """§5.5.4: time-stamps prove that the signature is older than its certificate."""
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    """§5.2.3: the certificate is missing, or not the one that was signed with."""
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    """§5.2.6: no path leads to an anchor that counts."""
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    """§5.2.6: a path leads to an anchor, and breaks a rule of RFC 5280 that has no name here."""
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    """§5.5.4: a time-stamp is younger than one that covers it."""
    REVOKED_NO_POE = "REVOKED_NO_POE"
    """§5.2.6: revoked, and nothing proves the signature older."""
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    """§5.2.6, §5.6.2: an authority of the path is revoked, and nothing proves what it said
    older."""
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    """§5.2.6: expired and never revoked, and nothing proves that it was used before."""
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    """§5.2.6: outside its validity at the time that counts, or when its evidence was last to be
    had."""
    TRY_LATER = "TRY_LATER"
    """§5.2.5, §5.2.6: fresh evidence about revocation is missing, and may come."""
    NO_POE = "NO_POE"
    """§5.6.2: nothing proves that the signature, its time-stamp or its evidence is as old as it
    must be."""


class Integrity(StrEnum):
    """Whether the signed bytes are those that were signed, and by the certificate's key."""

    INTACT = "INTACT"
    BROKEN = "BROKEN"
    UNKNOWN = "UNKNOWN"


class Changes(StrEnum):
    """What later revisions did to the document as this signature left it."""

    NONE = "NONE"
    SIGNATURES = "SIGNATURES"
    """Further signatures, with what they need (form, appearance)."""
    ARCHIVAL = "ARCHIVAL"
    """Validation data and document time-stamps (PAdES B-LT, B-LTA), metadata."""
    FORM_FILLED = "FORM_FILLED"
    NUMBER_AND_DATE = "NUMBER_AND_DATE"
    """The fields for number and date that were prepared before signing (NĐ 30/2020)."""
    FORBIDDEN = "FORBIDDEN"
    UNKNOWN = "UNKNOWN"


class SignatureKind(StrEnum):
    """Who or what made a signature."""

    SIGNATURE = "SIGNATURE"
    """chữ ký số của người có thẩm quyền: a person's signature."""
    SEAL = "SEAL"
    """chữ ký số của cơ quan, tổ chức: an organisation's seal."""
    DOC_TIMESTAMP = "DOC_TIMESTAMP"
    """dấu thời gian của tài liệu: a document time-stamp."""


class SignatureLevel(StrEnum):
    """The PAdES baseline level that a signature reaches (EN 319 142-1), or that it is none."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"
    OTHER = "OTHER"
