"""The exit codes, which are a contract, and the one table from reasons to them. Pure."""

from collections.abc import Mapping
from enum import IntEnum

from exchange.client.errors import ServiceRefused


class ExitCode(IntEnum):
    """How a command ended. Scripts rely on these numbers: never change one."""

    OK = 0
    INTERNAL = 1
    """A defect of the program; a reference is printed."""
    USAGE = 2
    """Wrong options, profile or configuration."""
    INVALID = 3
    """A bad signature, or a document, certificate or file that is refused."""
    AUTHENTICATION = 4
    """A wrong or missing passphrase or PIN, or a certificate that the service does not know."""
    UNDETERMINED = 5
    """Nothing proves it either way: evidence is missing."""
    PARTIAL = 6
    """Some files of a batch were done, others failed."""
    QUEUED = 7
    """Accepted offline, to be sent later."""
    UNSIGNED = 8
    """The document has no signature."""
    SERVICE = 9
    """Refused by the service, or the service (or one it needs) can't be reached."""
    INTERRUPTED = 130
    """Stopped by the user."""


_REASONS: Mapping[ExitCode, str] = {
    ExitCode.INTERNAL: """
        INTERNAL_ERROR DEMO_FAILED SANDBOX_BROKEN SERVICE_ANSWER_INVALID WORKER_NOT_STARTED
        """,
    ExitCode.USAGE: """
        USAGE_INVALID PROFILE_MISSING PROFILE_INVALID TRUST_MISSING TRUST_STORE_INVALID
        ANCHOR_UNCONFIRMED ANCHOR_UNKNOWN
        NOTHING_TO_SIGN NOTHING_TO_VERIFY PROFILE_EXISTS KEY_UNNAMED PICTURE_UNNAMED
        NUMBER_INVALID
        FIELD_EXISTS FIELD_UNUSABLE PLACEMENT_INVALID TEXT_UNPRINTABLE PICTURE_UNREADABLE
        PLACE_NOT_FOUND ALREADY_AT_LEVEL
        LEVEL_UNAVAILABLE TIMESTAMPER_MISSING PRACTICE_AUTHORITY_UNUSABLE SETTING_INVALID
        PORT_IN_USE STORAGE_URL_INVALID DATA_DIRECTORY_UNSAFE DATA_DIRECTORY_IN_USE
        DATA_VERSION_UNSUPPORTED FETCH_REFUSED POLICY_INVALID
        POLICY_NOT_IN_FORCE
        SCHEME_UNSUPPORTED TOKEN_MODULE_UNUSABLE KEY_NOT_FOUND KEY_AMBIGUOUS
        """,
    ExitCode.INVALID: """
        CONTAINER_TOO_LARGE
        ANCHOR_REFUSED TRUSTED_LIST_UNREADABLE TRUSTED_LIST_SIGNATURE_INVALID
        TRUSTED_LIST_EXPIRED TRUSTED_LIST_ROLLED_BACK
        FILE_UNREADABLE OUTPUT_EXISTS OUTPUT_UNWRITABLE CERTIFICATE_EXPIRED
        FILE_CHANGED REVISION_MISSING JOURNAL_UNUSABLE JOURNAL_IN_USE
        CERTIFICATE_NOT_YET_VALID CERTIFICATE_REVOKED NO_TRUSTED_PATH CERTIFICATE_UNSUITABLE
        IDENTITY_UNREADABLE
        KEY_FILE_UNREADABLE KEY_TOO_WEAK KEY_UNSUPPORTED NOT_A_PDF DOCUMENT_ENCRYPTED
        DOCUMENT_TRUNCATED DOCUMENT_MALFORMED DOCUMENT_TOO_LARGE CHANGES_FORBIDDEN SIGNATURE_INVALID
        NUMBER_AFTER_SIGNATURE SEAL_BEFORE_LEADER NUMBER_MISSING FIELDS_PREPARED
        SANDBOX_LIMIT_EXCEEDED EDXML_MALFORMED EDXML_DOCTYPE_REFUSED EDXML_TOO_LARGE
        EDXML_UNSUPPORTED ENVELOPE_INCOMPLETE CLASSIFIED_CONTENT_REFUSED MESSAGE_UNREADABLE
        CONTENT_UNREADABLE DOCUMENT_MISMATCH DOWNLOAD_CORRUPT DIGEST_INVALID DIGEST_MISMATCH
        OBJECT_CORRUPT ARCHIVE_DAMAGED CHECK_FAILED
        """,
    ExitCode.AUTHENTICATION: """
        PASSPHRASE_WRONG PASSPHRASE_MISSING IDENTITY_UNKNOWN PIN_WRONG PIN_LOCKED PIN_FINAL_TRY
        """,
    ExitCode.UNDETERMINED: """
        REVOCATION_UNKNOWN SIGNATURE_UNDETERMINED
        """,
    ExitCode.PARTIAL: "PARTIAL_BATCH",
    ExitCode.UNSIGNED: "SIGNATURE_MISSING",
    ExitCode.SERVICE: """
        SERVICE_UNAVAILABLE DEADLINE_EXCEEDED TSA_UNAVAILABLE TSA_ANSWER_INVALID FETCH_UNAVAILABLE
        FETCH_TOO_LARGE STORAGE_UNAVAILABLE STORAGE_FULL STORAGE_UNSUITABLE OBJECT_MISSING
        RECORD_MISSING SENDER_IDENTITY_MISMATCH ROUTE_FORBIDDEN ROLE_MISSING RECIPIENT_UNKNOWN
        ENDPOINT_UNKNOWN MESSAGE_UNKNOWN DELIVERY_UNKNOWN BLOB_UNKNOWN UPLOAD_UNKNOWN REPORT_UNKNOWN
        EVIDENCE_UNKNOWN RECORD_UNKNOWN REQUEST_ID_REUSED ENDPOINT_EXISTS TRANSITION_FORBIDDEN
        MESSAGE_INCOMPLETE UPLOAD_OFFSET_WRONG ETAG_MISMATCH DOCUMENT_ID_REUSED ARGUMENT_INVALID
        PAGE_TOKEN_INVALID CURSOR_AHEAD REQUEST_ID_INVALID NOT_BUILT_YET SIGNING_SESSION_UNKNOWN
        SIGNING_SESSION_EXPIRED SIGNING_SESSION_COMPLETED SIGNATURE_VALUE_WRONG OPERATION_UNKNOWN
        OPERATION_CANCELLED OPERATION_ABANDONED STREAM_TOO_SLOW
        TOKEN_UNAVAILABLE REMOTE_SIGNER_UNAVAILABLE REMOTE_SIGNER_REFUSED REMOTE_ANSWER_INVALID
        """,
    ExitCode.INTERRUPTED: "INTERRUPTED",
}

EXIT_CODES: Mapping[str, ExitCode] = {
    reason: code for code, reasons in _REASONS.items() for reason in reasons.split()
}
"""Exit code of every reason of our error trees."""

VERDICT_CODES: Mapping[str, ExitCode] = {
    "VALID": ExitCode.OK,
    "UNSIGNED": ExitCode.UNSIGNED,
    "INDETERMINATE": ExitCode.UNDETERMINED,
    "INVALID": ExitCode.INVALID,
    "UNREADABLE": ExitCode.INVALID,
}
"""Exit code of a document's verdict, from the best to the worst."""


def exit_code_of(error: BaseException) -> ExitCode:
    """Give the exit code of one of our errors; what only the service knows is its refusal."""
    reason = str(getattr(error, "reason", ""))
    other = ExitCode.SERVICE if isinstance(error, ServiceRefused) else ExitCode.INTERNAL
    return EXIT_CODES.get(reason, other)


def worst_verdict(verdicts: list[str]) -> str:
    """Choose the verdict that decides the exit code of several documents: the worst of them."""
    order = list(VERDICT_CODES)
    return max(verdicts, key=order.index)
