"""What can go wrong on the client's side of the exchange, cut by what the caller can do about it.

ClientError
├─ ServiceRefused            the service's own reason in `.reason`, with its messages and metadata
├─ ServiceUnavailable        SERVICE_UNAVAILABLE        nothing was decided: try again
├─ DeadlineExceeded          DEADLINE_EXCEEDED          unknown whether it was done: repeat it
├─ ServiceAnswerInvalid      SERVICE_ANSWER_INVALID     the other side does not keep the contract
├─ ContentUnreadable         CONTENT_UNREADABLE         the file to send can't be read
├─ DownloadCorrupt           DOWNLOAD_CORRUPT           the bytes are not what their digest says
├─ MessageUnreadable         MESSAGE_UNREADABLE         the downloaded edXML can't be read
├─ DocumentMismatch          DOCUMENT_MISMATCH          an attachment is not the announced one
└─ ProfileUnusable           the user repairs the profile
   ├─ ProfileMissing         PROFILE_MISSING
   └─ ProfileInvalid         PROFILE_INVALID

The tree is the client's own: the service's status table never sees it. The first line of a class's
docstring is its default message in English; `exchange.texts.sentence` has both languages.
"""

from collections.abc import Mapping
from types import MappingProxyType


class ClientError(Exception):
    """Talking to the service failed. Read the reason for what to do next."""

    reason: str = ""

    def __init__(self, detail: str = "") -> None:
        """Keep the detail of this occurrence."""
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        """Give the default message, then the detail in brackets where there is one."""
        message = (type(self).__doc__ or "").strip().partition("\n")[0]
        return f"{message} ({self.detail})" if self.detail else message


class ServiceRefused(ClientError):
    """The service refused the request. Read its reason.

    `reason` is the ErrorInfo's; `code` the gRPC status by name, for example `FAILED_PRECONDITION`;
    `message_vi` and `message_en` are the service's own sentences, empty where it gave none.
    """

    def __init__(
        self,
        detail: str,
        *,
        reason: str,
        code: str,
        message_vi: str = "",
        message_en: str = "",
        metadata: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Keep what the service said."""
        super().__init__(detail)
        self.reason = reason
        self.code = code
        self.message_vi = message_vi
        self.message_en = message_en
        self.metadata = MappingProxyType(dict(metadata))

    def __str__(self) -> str:
        """Give the service's English message with its reason."""
        return f"{self.reason}: {self.message_en or self.detail}"


class ServiceUnavailable(ClientError):
    """The service can't be reached. Check the network and the profile, then try again."""

    reason = "SERVICE_UNAVAILABLE"


class DeadlineExceeded(ClientError):
    """The service did not answer in time. Repeat the same request; it has one effect."""

    reason = "DEADLINE_EXCEEDED"


class ServiceAnswerInvalid(ClientError):
    """The service's answer breaks the contract. Compare the versions of both sides."""

    reason = "SERVICE_ANSWER_INVALID"


class ContentUnreadable(ClientError):
    """The file to send can't be read. Check its path and permissions."""

    reason = "CONTENT_UNREADABLE"


class DownloadCorrupt(ClientError):
    """The downloaded bytes do not have the SHA-256 asked for. Download them again."""

    reason = "DOWNLOAD_CORRUPT"


class MessageUnreadable(ClientError):
    """The downloaded edXML can't be read. Keep the file and tell the sender."""

    reason = "MESSAGE_UNREADABLE"


class DocumentMismatch(ClientError):
    """A file of the message is not the one its envelope names. Don't use it; tell the sender."""

    reason = "DOCUMENT_MISMATCH"


class ProfileUnusable(ClientError):
    """The connection's profile can't be used. Correct it."""


class ProfileMissing(ProfileUnusable):
    """There is no profile. Name one with --profile or CONGVAN_PROFILE."""

    reason = "PROFILE_MISSING"


class ProfileInvalid(ProfileUnusable):
    """The profile has a value that can't be used. Correct the file."""

    reason = "PROFILE_INVALID"
