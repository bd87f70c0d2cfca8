"""Everything that can go wrong in exchange/, as one tree cut by what the caller can do about it.

ExchangeError
├─ EnvelopeInvalid             the sender repairs the message
│  ├─ EdxmlMalformed           EDXML_MALFORMED
│  ├─ EdxmlDoctypeRefused      EDXML_DOCTYPE_REFUSED
│  ├─ EdxmlTooLarge            EDXML_TOO_LARGE
│  ├─ EdxmlUnsupported         EDXML_UNSUPPORTED
│  ├─ EnvelopeIncomplete       ENVELOPE_INCOMPLETE         .field
│  └─ ClassifiedContentRefused CLASSIFIED_CONTENT_REFUSED
├─ AccessRefused               the caller may not do this
│  ├─ SenderIdentityMismatch   SENDER_IDENTITY_MISMATCH
│  ├─ RouteForbidden           ROUTE_FORBIDDEN             .rule
│  ├─ IdentityUnknown          IDENTITY_UNKNOWN
│  └─ RoleMissing              ROLE_MISSING
├─ NotFound                    the caller names something else
│  ├─ RecipientUnknown         RECIPIENT_UNKNOWN
│  ├─ EndpointUnknown          ENDPOINT_UNKNOWN
│  ├─ MessageUnknown           MESSAGE_UNKNOWN
│  ├─ DeliveryUnknown          DELIVERY_UNKNOWN
│  ├─ BlobUnknown              BLOB_UNKNOWN
│  ├─ UploadUnknown            UPLOAD_UNKNOWN
│  ├─ EvidenceUnknown          EVIDENCE_UNKNOWN
│  ├─ ReportUnknown            REPORT_UNKNOWN
│  ├─ RecordUnknown            RECORD_UNKNOWN
│  ├─ SigningSessionUnknown    SIGNING_SESSION_UNKNOWN
│  └─ OperationUnknown         OPERATION_UNKNOWN
├─ Conflict                    the caller looks at the present state, then decides
│  ├─ RequestIdReused          REQUEST_ID_REUSED
│  ├─ EndpointExists           ENDPOINT_EXISTS
│  ├─ TransitionForbidden      TRANSITION_FORBIDDEN
│  ├─ MessageIncomplete        MESSAGE_INCOMPLETE
│  ├─ UploadOffsetWrong        UPLOAD_OFFSET_WRONG         .committed_size_bytes
│  ├─ EtagMismatch             ETAG_MISMATCH
│  ├─ DocumentIdReused         DOCUMENT_ID_REUSED
│  ├─ SigningSessionExpired    SIGNING_SESSION_EXPIRED
│  ├─ SigningSessionCompleted  SIGNING_SESSION_COMPLETED
│  ├─ OperationCancelled       OPERATION_CANCELLED
│  └─ OperationAbandoned       OPERATION_ABANDONED
├─ RequestInvalid              the caller repairs the request
│  ├─ ArgumentInvalid          ARGUMENT_INVALID            .field
│  ├─ CursorAhead              CURSOR_AHEAD
│  ├─ PageTokenInvalid         PAGE_TOKEN_INVALID
│  ├─ RequestIdInvalid         REQUEST_ID_INVALID
│  └─ SignatureValueWrong      SIGNATURE_VALUE_WRONG
├─ StreamTooSlow               STREAM_TOO_SLOW             the caller repeats it, faster
├─ NotBuiltYet                 NOT_BUILT_YET
├─ InternalFailure             INTERNAL_ERROR              only the operator can do something
├─ WorkerNotStarted            WORKER_NOT_STARTED          the operator reads the log
└─ ConfigurationInvalid        the operator repairs the configuration
   ├─ SettingInvalid           SETTING_INVALID
   └─ PortInUse                PORT_IN_USE

The first paragraph of a class's docstring is its default message in English. `str()` gives that
message and the detail. Every error survives pickling, because edXML is read in another process.
"""

import inspect
from typing import ClassVar


class ExchangeError(Exception):
    """The exchange could not do what was asked. Read the reason for what to do next."""

    reason: ClassVar[str] = ""

    def __init__(self, detail: str = "") -> None:
        """Keep the detail of this one occurrence: a phrase without personal data or secrets."""
        super().__init__(detail)
        self.detail = detail

    @classmethod
    def message(cls) -> str:
        """Give the sentence that stands for every error of this class."""
        return " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())

    def __str__(self) -> str:
        """Give the default message, then the detail in brackets where there is one."""
        message = self.message()
        return f"{message} ({self.detail})" if self.detail else message


class EnvelopeInvalid(ExchangeError):
    """The message cannot be taken as it is. Repair it and send it again."""


class EdxmlMalformed(EnvelopeInvalid):
    """The message is not well-formed edXML. Ask the system that made it to repair its output."""

    reason = "EDXML_MALFORMED"


class EdxmlDoctypeRefused(EnvelopeInvalid):
    """The message declares a document type, which is never accepted. Remove the DOCTYPE."""

    reason = "EDXML_DOCTYPE_REFUSED"


class EdxmlTooLarge(EnvelopeInvalid):
    """The message exceeds a limit of the reader. Send less, or split it into several messages."""

    reason = "EDXML_TOO_LARGE"


class EdxmlUnsupported(EnvelopeInvalid):
    """The message is not of a kind that is read here. Send edXML as QCVN 102:2016 defines it."""

    reason = "EDXML_UNSUPPORTED"


class EnvelopeIncomplete(EnvelopeInvalid):
    """A field of the envelope is missing or against the rules. Correct that field."""

    reason = "ENVELOPE_INCOMPLETE"

    def __init__(self, detail: str = "", *, field: str = "") -> None:
        """Name the field by its edXML path below the header, for example `From/OrganName`."""
        super().__init__(f"{field}: {detail}" if field and detail else field or detail)
        self.field = field


class ClassifiedContentRefused(EnvelopeInvalid):
    """Documents that hold state secrets never enter this system. Use the network made for them."""

    reason = "CLASSIFIED_CONTENT_REFUSED"


class AccessRefused(ExchangeError):
    """You may not do this. Ask the registrar if you believe that you should."""


class SenderIdentityMismatch(AccessRefused):
    """The sender in the envelope is not the caller. Send with the sender's own certificate."""

    reason = "SENDER_IDENTITY_MISMATCH"


class RouteForbidden(AccessRefused):
    """The routing policy does not let this sender write to this recipient. Remove the recipient."""

    reason = "ROUTE_FORBIDDEN"

    def __init__(self, detail: str = "", *, rule: str = "") -> None:
        """Name the rule of the routing table that refused."""
        super().__init__(f"{rule}: {detail}" if rule and detail else rule or detail)
        self.rule = rule


class IdentityUnknown(AccessRefused):
    """The caller has no certificate that is registered here. Register it, then connect with it."""

    reason = "IDENTITY_UNKNOWN"


class RoleMissing(AccessRefused):
    """The caller's role does not allow this method. Ask the registrar for the role."""

    reason = "ROLE_MISSING"


class NotFound(ExchangeError):
    """What was named does not exist, or is not the caller's to see. Check the name."""


class RecipientUnknown(NotFound):
    """A recipient is not in the registry. Correct the identifier or have the body registered."""

    reason = "RECIPIENT_UNKNOWN"


class EndpointUnknown(NotFound):
    """No endpoint has this code. Look the code up in the registry."""

    reason = "ENDPOINT_UNKNOWN"


class MessageUnknown(NotFound):
    """No message of yours has this identifier. Check it against your list of messages."""

    reason = "MESSAGE_UNKNOWN"


class DeliveryUnknown(NotFound):
    """No delivery of yours has this identifier. Check it against your mailbox."""

    reason = "DELIVERY_UNKNOWN"


class BlobUnknown(NotFound):
    """No content that you may read has this digest. Upload it first."""

    reason = "BLOB_UNKNOWN"


class UploadUnknown(NotFound):
    """No upload of yours has this identifier. Begin the upload again."""

    reason = "UPLOAD_UNKNOWN"


class EvidenceUnknown(NotFound):
    """No evidence that you may see has this identifier. List the message's evidence."""

    reason = "EVIDENCE_UNKNOWN"


class ReportUnknown(NotFound):
    """No verification report is stored under this identifier. Verify the document first."""

    reason = "REPORT_UNKNOWN"


class RecordUnknown(NotFound):
    """The archive holds no record with this identifier. Check it against the archive's list."""

    reason = "RECORD_UNKNOWN"


class SigningSessionUnknown(NotFound):
    """No signing session of yours has this identifier. Prepare the signature again."""

    reason = "SIGNING_SESSION_UNKNOWN"


class OperationUnknown(NotFound):
    """No operation of yours has this identifier. List your operations."""

    reason = "OPERATION_UNKNOWN"


class Conflict(ExchangeError):
    """The request does not fit what is stored. Read the present state, then decide."""


class RequestIdReused(Conflict):
    """This request_id was used for another request. Use a new request_id for a new request."""

    reason = "REQUEST_ID_REUSED"


class EndpointExists(Conflict):
    """An endpoint with this code is registered already. Change that one instead."""

    reason = "ENDPOINT_EXISTS"


class TransitionForbidden(Conflict):
    """The delivery's state does not allow this step. Read the state and choose an allowed step."""

    reason = "TRANSITION_FORBIDDEN"


class MessageIncomplete(Conflict):
    """Attachments that the envelope names are not there yet. Upload them, then submit again."""

    reason = "MESSAGE_INCOMPLETE"


class UploadOffsetWrong(Conflict):
    """The upload does not continue where it stopped. Resume at the committed size."""

    reason = "UPLOAD_OFFSET_WRONG"

    def __init__(self, detail: str = "", *, committed_size_bytes: int = 0) -> None:
        """Tell how many bytes are stored for good."""
        super().__init__(detail or f"committed size: {committed_size_bytes} bytes")
        self.committed_size_bytes = committed_size_bytes


class EtagMismatch(Conflict):
    """Someone changed the entry since it was read. Read it again, then repeat the change."""

    reason = "ETAG_MISMATCH"


class DocumentIdReused(Conflict):
    """The sender used this DocumentId before. Send an update or replacement, or use a new id."""

    reason = "DOCUMENT_ID_REUSED"


class SigningSessionExpired(Conflict):
    """The signing session has expired. Prepare the signature again and sign soon after."""

    reason = "SIGNING_SESSION_EXPIRED"


class SigningSessionCompleted(Conflict):
    """The signing session was completed already. Fetch the document that it led to."""

    reason = "SIGNING_SESSION_COMPLETED"


class OperationCancelled(Conflict):
    """The operation was cancelled before it was done. Nothing of it was kept; begin it anew."""

    reason = "OPERATION_CANCELLED"


class OperationAbandoned(Conflict):
    """The operation was begun several times and its process ended each time. Tell the operator."""

    reason = "OPERATION_ABANDONED"


class RequestInvalid(ExchangeError):
    """The request cannot be understood. Correct it and send it again."""


class ArgumentInvalid(RequestInvalid):
    """A field of the request has a value that is not allowed. Correct that field."""

    reason = "ARGUMENT_INVALID"

    def __init__(self, detail: str = "", *, field: str = "") -> None:
        """Name the field."""
        super().__init__(f"{field}: {detail}" if field and detail else field or detail)
        self.field = field


class CursorAhead(RequestInvalid):
    """The cursor lies behind the end of the mailbox: it is another one's. Read without a cursor."""

    reason = "CURSOR_AHEAD"


class PageTokenInvalid(RequestInvalid):
    """The page token is not one that this list gave out. Start the list from its first page."""

    reason = "PAGE_TOKEN_INVALID"


class RequestIdInvalid(RequestInvalid):
    """The request_id is missing or not a UUID. Make one UUID per request; repeat it on retries."""

    reason = "REQUEST_ID_INVALID"


class SignatureValueWrong(RequestInvalid):
    """The value is no signature by this certificate's key. Sign the data of this very session."""

    reason = "SIGNATURE_VALUE_WRONG"


class StreamTooSlow(ExchangeError):
    """The stream took longer than allowed. Repeat it over a faster line, or upload in parts."""

    reason = "STREAM_TOO_SLOW"


class NotBuiltYet(ExchangeError):
    """This part of the contract is not built yet. Look in the release notes for when it comes."""

    reason = "NOT_BUILT_YET"


class InternalFailure(ExchangeError):
    """Something went wrong inside the service. Try again; if it stays, tell the operator."""

    reason = "INTERNAL_ERROR"


class WorkerNotStarted(ExchangeError):
    """A process of the service did not start. Read the log above, repair the cause, start again."""

    reason = "WORKER_NOT_STARTED"


class ConfigurationInvalid(ExchangeError):
    """The service cannot start with this configuration. Correct it and start again."""


class SettingInvalid(ConfigurationInvalid):
    """A setting has a value that cannot be used. Correct it in the configuration."""

    reason = "SETTING_INVALID"


class PortInUse(ConfigurationInvalid):
    """Another process listens on this port. Stop it or choose another port."""

    reason = "PORT_IN_USE"
