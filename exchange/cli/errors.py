"""What can go wrong on the command line itself, cut by what the user can do about it.

CliError
├─ UsageInvalid         USAGE_INVALID
├─ NothingToSign        NOTHING_TO_SIGN
├─ NothingToVerify      NOTHING_TO_VERIFY
├─ KeyUnnamed           KEY_UNNAMED
├─ PictureUnnamed       PICTURE_UNNAMED
├─ AlreadyAtLevel       ALREADY_AT_LEVEL
├─ FileUnreadable       FILE_UNREADABLE
│  └─ RevisionMissing   REVISION_MISSING
├─ FileChanged          FILE_CHANGED
├─ OutputRefused
│  ├─ OutputExists      OUTPUT_EXISTS
│  └─ OutputUnwritable  OUTPUT_UNWRITABLE
├─ JournalRefused
│  ├─ JournalUnusable   JOURNAL_UNUSABLE
│  └─ JournalInUse      JOURNAL_IN_USE
├─ PassphraseMissing    PASSPHRASE_MISSING
├─ ProfileExists        PROFILE_EXISTS
├─ TrustMissing         TRUST_MISSING
├─ AnchorUnconfirmed    ANCHOR_UNCONFIRMED
├─ AnchorUnknown        ANCHOR_UNKNOWN
├─ ChecksFailed         CHECK_FAILED
├─ ArchiveDamaged       ARCHIVE_DAMAGED
└─ DemoFailed           DEMO_FAILED

The first line of a class's docstring is its default message in English; users read the sentence of
`exchange.texts` in their language.
"""

from typing import ClassVar


class CliError(Exception):
    """The command could not be done. Read the reason for what to do next."""

    reason: ClassVar[str] = ""

    def __init__(self, detail: str = "") -> None:
        """Keep the detail of this occurrence; never a secret."""
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        """Give the default message, then the detail in brackets where there is one."""
        message = (type(self).__doc__ or "").strip().partition("\n")[0]
        return f"{message} ({self.detail})" if self.detail else message


class UsageInvalid(CliError):
    """The options do not fit together. See --help."""

    reason = "USAGE_INVALID"


class FileUnreadable(CliError):
    """The file can't be read. Check its path and permissions."""

    reason = "FILE_UNREADABLE"


class RevisionMissing(FileUnreadable):
    """The document has no such revision. Choose a lower number; a report lists its revisions."""

    reason = "REVISION_MISSING"


class NothingToSign(CliError):
    """There is no PDF file where you said. Check the folder or pattern, or add --recursive."""

    reason = "NOTHING_TO_SIGN"


class NothingToVerify(CliError):
    """There is no PDF file where you said. Check the folder or pattern, or add --recursive."""

    reason = "NOTHING_TO_VERIFY"


class AlreadyAtLevel(CliError):
    """The signatures have this level already. To renew the archive time-stamp, say --renew."""

    reason = "ALREADY_AT_LEVEL"


class KeyUnnamed(CliError):
    """It is not said which key signs. Name one with --key or --module, or use a profile."""

    reason = "KEY_UNNAMED"


class PictureUnnamed(CliError):
    """This signature shows a picture, and none is named. Give --picture, or use a profile."""

    reason = "PICTURE_UNNAMED"


class FileChanged(CliError):
    """The file changed while it was being signed, so nothing was kept. Sign it again."""

    reason = "FILE_CHANGED"


class OutputRefused(CliError):
    """The result has no place to go. Choose another output."""


class OutputExists(OutputRefused):
    """The output exists and is never overwritten. Choose another name with --out."""

    reason = "OUTPUT_EXISTS"


class OutputUnwritable(OutputRefused):
    """The output can't be written. Check the directory, its permissions and the free space."""

    reason = "OUTPUT_UNWRITABLE"


class JournalRefused(CliError):
    """What was signed can't be noted down, so that nothing is signed. See the detail."""


class JournalUnusable(JournalRefused):
    """The folder's journal can't be read or written. See its permissions and the free space."""

    reason = "JOURNAL_UNUSABLE"


class JournalInUse(JournalRefused):
    """Another run signs into this folder right now. Wait until it ends."""

    reason = "JOURNAL_IN_USE"


class PassphraseMissing(CliError):
    """A passphrase is needed and nobody can be asked. Use --passphrase-file or --passphrase-fd."""

    reason = "PASSPHRASE_MISSING"


class ProfileExists(CliError):
    """There is a profile of this name, and it is not overwritten. Remove it first."""

    reason = "PROFILE_EXISTS"


class TrustMissing(CliError):
    """There is no trust store. Name one with --trust or in the profile."""

    reason = "TRUST_MISSING"


class AnchorUnconfirmed(CliError):
    """Nobody is trusted by accident. Compare the SHA-256 with the authority's, and give it."""

    reason = "ANCHOR_UNCONFIRMED"


class AnchorUnknown(CliError):
    """The trust store has no such anchor. List what it has."""

    reason = "ANCHOR_UNKNOWN"


class ChecksFailed(CliError):
    """A check failed. Do what its line says."""

    reason = "CHECK_FAILED"


class ArchiveDamaged(CliError):
    """The archive lacks objects or holds damaged ones. Restore those listed from a backup."""

    reason = "ARCHIVE_DAMAGED"


class DemoFailed(CliError):
    """The demo's result is not as expected. Read the detail and the logs in its directory."""

    reason = "DEMO_FAILED"
