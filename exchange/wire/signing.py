"""Signing on the wire: options, certificates, keys, sessions and signed documents."""

import unicodedata
from datetime import datetime
from typing import Final

from cryptography import x509

from certs.identity import fingerprint
from certs.parsing import DAMAGE
from certs.schemes import SchemeFamily, SignatureScheme
from congvan.v1 import signing_pb2
from exchange.errors import ArgumentInvalid
from exchange.messages import BlobName
from exchange.services import ServerKey
from exchange.signing_sessions import SigningSession
from exchange.use_cases.signing import SignedDocument, SigningOrder
from exchange.wire.values import WireEnum, blob, from_wire, read_date, timestamp, to_wire
from signer import FieldLock, Level, LockAction, Permission, SigningRequest
from signer.creation.prepared import PreparedSignature
from signer.office.lawful_order import Act
from signer.office.number_and_date import DocumentNumber, FieldValues, IssueDate
from signer.pages.appearance import Appearance, Box

PDF_MEDIA_TYPE: Final = "application/pdf"
MAX_CERTIFICATES: Final = 10
"""Certificates that come with one request: the signer's and its issuers'."""
MAX_CERTIFICATE_BYTES: Final = 64 << 10

_PERMISSIONS: Final = {
    signing_pb2.CHANGES_ALLOWED_UNSPECIFIED: None,
    signing_pb2.CHANGES_ALLOWED_NONE: Permission.NO_CHANGES,
    signing_pb2.CHANGES_ALLOWED_FORMS: Permission.FILL_FORMS,
    signing_pb2.CHANGES_ALLOWED_ANNOTATIONS: Permission.ANNOTATE,
}
_LOCKS: Final = {
    signing_pb2.LOCKED_FIELDS_ALL: LockAction.ALL,
    signing_pb2.LOCKED_FIELDS_THESE: LockAction.INCLUDE,
    signing_pb2.LOCKED_FIELDS_ALL_BUT_THESE: LockAction.EXCLUDE,
}
_ACTS: Final = {
    signing_pb2.SIGNING_ROLE_UNSPECIFIED: None,
    signing_pb2.SIGNING_ROLE_LEADER: Act.LEADER,
    signing_pb2.SIGNING_ROLE_SEAL: Act.SEAL,
    signing_pb2.SIGNING_ROLE_ANNEX: Act.ANNEX,
    signing_pb2.SIGNING_ROLE_COPY: Act.COPY,
}


def read_level(number: int, *, field: str) -> Level:
    """Read a level; raises ArgumentInvalid."""
    return from_wire(number, signing_pb2.SignatureLevel, words=Level, field=field)


def read_order(options: signing_pb2.SigningOptions, *, signed_at: datetime) -> SigningOrder:
    """Read what signature to make, and what to fill in before it.

    Raises:
        ArgumentInvalid: a value is missing or unknown.
        SigningRefused: the values don't make a signature.

    """
    if options.certification not in _PERMISSIONS:
        raise ArgumentInvalid("a known value is needed", field="options.certification")
    if options.role not in _ACTS:
        raise ArgumentInvalid("a known value is needed", field="options.role")
    request = SigningRequest(
        level=read_level(options.level, field="options.level"),
        signed_at=signed_at,
        field_name=options.field_name or None,
        appearance=_read_appearance(options.appearance) if options.HasField("appearance") else None,
        reason=options.reason or None,
        location=options.location or None,
        scheme=_read_scheme(options.scheme) if options.HasField("scheme") else None,
        certification=_PERMISSIONS[options.certification],
        lock=_read_lock(options.lock) if options.HasField("lock") else None,
    )
    return SigningOrder(request=request, act=_ACTS[options.role], values=_read_values(options))


def read_certificates(encoded: list[bytes]) -> tuple[x509.Certificate, ...]:
    """Read certificates in DER, the signer's first; raises ArgumentInvalid."""
    if not 1 <= len(encoded) <= MAX_CERTIFICATES:
        raise ArgumentInvalid(f"1 to {MAX_CERTIFICATES} are needed", field="certificate_chain")
    if any(len(each) > MAX_CERTIFICATE_BYTES for each in encoded):
        raise ArgumentInvalid(f"over {MAX_CERTIFICATE_BYTES} bytes", field="certificate_chain")
    try:
        return tuple(x509.load_der_x509_certificate(each) for each in encoded)
    except DAMAGE:
        raise ArgumentInvalid("not certificates in DER", field="certificate_chain") from None


def read_box(message: signing_pb2.PageBox) -> Box:
    """Read a rectangle on a page."""
    return Box(
        page=message.page or 1,
        left_mm=message.left_mm,
        bottom_mm=message.bottom_mm,
        width_mm=message.width_mm,
        height_mm=message.height_mm,
    )


def write_key(key: ServerKey) -> signing_pb2.SigningKeyInfo:
    """Show a key of the service."""
    certificate = key.key.certificate
    return signing_pb2.SigningKeyInfo(
        name=f"signingKeys/{key.key_id}",
        subject=certificate.subject.rfc4514_string(),
        seal=key.seal,
        not_after=timestamp(certificate.not_valid_after_utc),
        certificate_sha256=fingerprint(certificate),
    )


def write_session(
    session: SigningSession, prepared: PreparedSignature
) -> signing_pb2.SigningSession:
    """Show what is to be signed elsewhere."""
    family: WireEnum = to_wire(prepared.scheme.family, signing_pb2.SchemeFamily)
    return signing_pb2.SigningSession(
        name=f"signingSessions/{session.session_id}",
        data_to_be_signed=prepared.data_to_be_signed,
        digest=prepared.digest,
        digest_algorithm=prepared.scheme.digest_algorithm,
        scheme_family=family,
        field_name=prepared.field_name,
        signed_at=timestamp(session.created_at),
        expire_time=timestamp(session.expires_at),
    )


def write_signed(signed: SignedDocument) -> signing_pb2.SignDocumentResponse:
    """Show a signed document, without its bytes."""
    answer = write_document(signed.blob)
    answer.field_name = signed.field_name
    answer.signed_at.FromDatetime(signed.signed_at)
    return answer


def write_document(document: BlobName) -> signing_pb2.SignDocumentResponse:
    """Show a document that is not signed, or signed before."""
    return signing_pb2.SignDocumentResponse(
        document=blob(document.digest, document.size_bytes, media_type=PDF_MEDIA_TYPE)
    )


def _read_values(options: signing_pb2.SigningOptions) -> FieldValues | None:
    number = date = None
    if options.document_number:
        number = DocumentNumber.read(options.document_number)
    if options.HasField("document_date"):
        on = read_date(options.document_date, "options.document_date")
        date = IssueDate(on=on, place=unicodedata.normalize("NFC", options.document_place.strip()))
    elif options.document_place:
        raise ArgumentInvalid("a place stands before a date", field="options.document_date")
    return FieldValues(number=number, date=date) if number or date else None


def _read_scheme(message: signing_pb2.SignatureScheme) -> SignatureScheme:
    field = "options.scheme"
    family = from_wire(
        message.family, signing_pb2.SchemeFamily, words=SchemeFamily, field=f"{field}.family"
    )
    try:
        return SignatureScheme(family, message.digest_algorithm)
    except ValueError:
        raise ArgumentInvalid("no such scheme", field=field) from None


def _read_lock(message: signing_pb2.FieldLock) -> FieldLock:
    if message.scope not in _LOCKS:
        raise ArgumentInvalid("a known value is needed", field="options.lock.scope")
    return FieldLock(action=_LOCKS[message.scope], fields=tuple(message.fields))


def _read_appearance(message: signing_pb2.Appearance) -> Appearance:
    return Appearance(
        picture=message.picture or None,
        box=read_box(message.box) if message.HasField("box") else None,
        lines=tuple(message.lines),
    )
