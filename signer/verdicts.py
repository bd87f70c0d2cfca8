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
    """Sub-indications (EN 319 102-1 §5.1.3, table 6) that this verifier gives."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    NOT_YET_VALID = "NOT_YET_VALID"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    TRY_LATER = "TRY_LATER"
    NO_POE = "NO_POE"


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
