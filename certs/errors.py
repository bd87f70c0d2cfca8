"""Everything that can go wrong with trust, certificates, keys and the services around them.

CertsError
├── TrustStoreInvalid               TRUST_STORE_INVALID
├── AnchorRefused                   ANCHOR_REFUSED
├── TrustedListRefused
│   ├── TrustedListUnreadable       TRUSTED_LIST_UNREADABLE
│   ├── TrustedListSignatureInvalid TRUSTED_LIST_SIGNATURE_INVALID
│   ├── TrustedListExpired          TRUSTED_LIST_EXPIRED
│   └── TrustedListRolledBack       TRUSTED_LIST_ROLLED_BACK
├── CertificateRefused
│   ├── CertificateExpired          CERTIFICATE_EXPIRED
│   ├── CertificateNotYetValid      CERTIFICATE_NOT_YET_VALID
│   ├── CertificateRevoked          CERTIFICATE_REVOKED
│   ├── NoTrustedPath               NO_TRUSTED_PATH
│   ├── CertificateUnsuitable       CERTIFICATE_UNSUITABLE
│   ├── RevocationUnknown           REVOCATION_UNKNOWN
│   └── IdentityUnreadable          IDENTITY_UNREADABLE
├── KeyUnusable
│   ├── KeyFileUnreadable           KEY_FILE_UNREADABLE
│   ├── PassphraseWrong             PASSPHRASE_WRONG
│   ├── KeyTooWeak                  KEY_TOO_WEAK
│   ├── SchemeUnsupported           SCHEME_UNSUPPORTED
│   ├── TokenModuleUnusable         TOKEN_MODULE_UNUSABLE
│   ├── TokenUnavailable            TOKEN_UNAVAILABLE
│   ├── KeyNotFound                 KEY_NOT_FOUND
│   ├── KeyAmbiguous                KEY_AMBIGUOUS
│   ├── PinWrong                    PIN_WRONG
│   ├── PinLocked                   PIN_LOCKED
│   ├── PinFinalTry                 PIN_FINAL_TRY
│   ├── RemoteSignerUnavailable     REMOTE_SIGNER_UNAVAILABLE
│   ├── RemoteSignerRefused         REMOTE_SIGNER_REFUSED
│   └── RemoteAnswerInvalid         REMOTE_ANSWER_INVALID
├── FetchFailed
│   ├── FetchRefused                FETCH_REFUSED
│   ├── FetchUnavailable            FETCH_UNAVAILABLE
│   └── FetchTooLarge               FETCH_TOO_LARGE
├── TimestampFailed
│   ├── TsaUnavailable              TSA_UNAVAILABLE
│   └── TsaAnswerInvalid            TSA_ANSWER_INVALID
└── PracticeAuthorityUnusable       PRACTICE_AUTHORITY_UNUSABLE

The first line of a class's docstring is its message; an argument adds the detail of the case.
No message or detail ever holds a passphrase, a PIN or a part of a private key.
"""

from __future__ import annotations

from typing import ClassVar


class CertsError(Exception):
    """A question of trust could not be settled. Read the detail."""

    reason: ClassVar[str] = ""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    @classmethod
    def message(cls) -> str:
        """The class's own sentences, without the detail of any case."""
        return (cls.__doc__ or "").strip().split("\n", 1)[0]

    def __str__(self) -> str:
        return f"{self.message()} ({self.detail})" if self.detail else self.message()


class TrustStoreInvalid(CertsError):
    """The trust store is not usable. Repair its files as the detail says."""

    reason: ClassVar[str] = "TRUST_STORE_INVALID"


class AnchorRefused(CertsError):
    """The certificate cannot become a trust anchor. Read why, and get the authority's own root."""

    reason: ClassVar[str] = "ANCHOR_REFUSED"


class TrustedListRefused(CertsError):
    """The trusted list is not accepted. Get the present one from whoever publishes it."""


class TrustedListUnreadable(TrustedListRefused):
    """The file is no readable trusted list (ETSI TS 119 612). Get it from its publisher again."""

    reason: ClassVar[str] = "TRUSTED_LIST_UNREADABLE"


class TrustedListSignatureInvalid(TrustedListRefused):
    """The trusted list is not signed by the certificate that you named. Trust nothing in it."""

    reason: ClassVar[str] = "TRUSTED_LIST_SIGNATURE_INVALID"


class TrustedListExpired(TrustedListRefused):
    """The trusted list is not of this time. Get the present one from its publisher."""

    reason: ClassVar[str] = "TRUSTED_LIST_EXPIRED"


class TrustedListRolledBack(TrustedListRefused):
    """A newer or another list is already known under this name. Get the present one."""

    reason: ClassVar[str] = "TRUSTED_LIST_ROLLED_BACK"


class CertificateRefused(CertsError):
    """The certificate is not accepted. Use another one or ask the authority that issued it."""


class CertificateExpired(CertificateRefused):
    """The certificate had expired at the time in question. Renew it."""

    reason: ClassVar[str] = "CERTIFICATE_EXPIRED"


class CertificateNotYetValid(CertificateRefused):
    """The certificate was not valid yet at the time in question. Wait or check the clock."""

    reason: ClassVar[str] = "CERTIFICATE_NOT_YET_VALID"


class CertificateRevoked(CertificateRefused):
    """The certificate was revoked by its issuer. Use another certificate."""

    reason: ClassVar[str] = "CERTIFICATE_REVOKED"


class NoTrustedPath(CertificateRefused):
    """No path leads from the certificate to a trust anchor for this role. Check the trust store."""

    reason: ClassVar[str] = "NO_TRUSTED_PATH"


class CertificateUnsuitable(CertificateRefused):
    """The certificate is not made for this use. Use one whose key usage and algorithms fit."""

    reason: ClassVar[str] = "CERTIFICATE_UNSUITABLE"


class RevocationUnknown(CertificateRefused):
    """Nothing proves that the certificate was not revoked. Make its OCSP or CRL reachable."""

    reason: ClassVar[str] = "REVOCATION_UNKNOWN"


class IdentityUnreadable(CertificateRefused):
    """The certificate does not name its holder unmistakably. Ask for a correctly made one."""

    reason: ClassVar[str] = "IDENTITY_UNREADABLE"


class KeyUnusable(CertsError):
    """The key cannot be used. Choose another key."""


class KeyFileUnreadable(KeyUnusable):
    """The file is no readable PKCS#12 or PEM file with key and certificate. Export it anew."""

    reason: ClassVar[str] = "KEY_FILE_UNREADABLE"


class PassphraseWrong(KeyUnusable):
    """The passphrase does not open the key file. Check it and try again."""

    reason: ClassVar[str] = "PASSPHRASE_WRONG"


class KeyTooWeak(KeyUnusable):
    """The key is too weak or of an unsupported kind. Use RSA of 2048 bits or more, or P-256."""

    reason: ClassVar[str] = "KEY_TOO_WEAK"


class SchemeUnsupported(KeyUnusable):
    """The key makes no signatures of this scheme. Ask for one that it offers."""

    reason: ClassVar[str] = "SCHEME_UNSUPPORTED"


class TokenModuleUnusable(KeyUnusable):
    """The PKCS#11 module can't be loaded. Check its path and install the token's driver."""

    reason: ClassVar[str] = "TOKEN_MODULE_UNUSABLE"


class TokenUnavailable(KeyUnusable):
    """The token does not answer. Plug it in again, or check the link to the HSM, and repeat."""

    reason: ClassVar[str] = "TOKEN_UNAVAILABLE"


class KeyNotFound(KeyUnusable):
    """No key is found with this certificate. List the tokens and choose one of theirs."""

    reason: ClassVar[str] = "KEY_NOT_FOUND"


class KeyAmbiguous(KeyUnusable):
    """Several keys fit. Choose one by its certificate's fingerprint or by the token's serial."""

    reason: ClassVar[str] = "KEY_AMBIGUOUS"


class PinWrong(KeyUnusable):
    """The PIN was refused. Find out the right one: a token locks itself after a few wrong ones."""

    reason: ClassVar[str] = "PIN_WRONG"


class PinLocked(KeyUnusable):
    """The token is locked after too many wrong PINs. Ask the office that issued it to unlock it."""

    reason: ClassVar[str] = "PIN_LOCKED"


class PinFinalTry(KeyUnusable):
    """One more wrong PIN would lock the token, so it was not tried. Allow the last try if sure."""

    reason: ClassVar[str] = "PIN_FINAL_TRY"


class RemoteSignerUnavailable(KeyUnusable):
    """The remote signing service did not answer. Nothing was signed; try again later."""

    reason: ClassVar[str] = "REMOTE_SIGNER_UNAVAILABLE"


class RemoteSignerRefused(KeyUnusable):
    """The remote signing service refused. Check the account, the credential and its permission."""

    reason: ClassVar[str] = "REMOTE_SIGNER_REFUSED"


class RemoteAnswerInvalid(KeyUnusable):
    """The remote signing service's answer is not acceptable. Check which service is set."""

    reason: ClassVar[str] = "REMOTE_ANSWER_INVALID"


class FetchFailed(CertsError):
    """An address named in a certificate gave nothing usable. Try later or check the network."""


class FetchRefused(FetchFailed):
    """The address is not allowed. Add its host and port to the allow-list if you trust it."""

    reason: ClassVar[str] = "FETCH_REFUSED"


class FetchUnavailable(FetchFailed):
    """The service did not give a usable answer in time. Try again later."""

    reason: ClassVar[str] = "FETCH_UNAVAILABLE"

    def __init__(self, detail: str = "", *, silent: bool = False) -> None:
        super().__init__(detail)
        self.silent = silent
        """Whether nobody answered at all, whatever was asked: no connection, or no end in time."""


class FetchTooLarge(FetchFailed):
    """The answer is larger than allowed. Raise the limit if the service is right."""

    reason: ClassVar[str] = "FETCH_TOO_LARGE"


class TimestampFailed(CertsError):
    """No time-stamp was obtained. Try again later."""


class TsaUnavailable(TimestampFailed):
    """The time-stamping authority did not answer with a time-stamp. Try again later."""

    reason: ClassVar[str] = "TSA_UNAVAILABLE"


class TsaAnswerInvalid(TimestampFailed):
    """The time-stamping authority's answer is not acceptable. Check which authority is set."""

    reason: ClassVar[str] = "TSA_ANSWER_INVALID"


class PracticeAuthorityUnusable(CertsError):
    """The practice authority's directory cannot be used. Create it anew in an empty directory."""

    reason: ClassVar[str] = "PRACTICE_AUTHORITY_UNUSABLE"
