"""One table from our errors to gRPC status codes, and the form in which they leave (AIP-193)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import ErrorInfo, LocalizedMessage
from google.rpc.status_pb2 import Status

from certs import errors as certs_errors
from exchange import errors as exchange_errors
from exchange.texts import sentence
from signer import errors as signer_errors
from storage import errors as storage_errors

DOMAIN = "congvan"
ROOTS = (
    certs_errors.CertsError,
    signer_errors.SignerError,
    storage_errors.StorageError,
    exchange_errors.ExchangeError,
)
Code = grpc.StatusCode
_TEXT_CHARACTERS = 300

# The nearest ancestor in the table decides. A test walks all subclasses, so none lacks a row.
STATUS: Mapping[type[Exception], grpc.StatusCode] = MappingProxyType(
    {
        certs_errors.TrustStoreInvalid: Code.FAILED_PRECONDITION,
        certs_errors.AnchorRefused: Code.FAILED_PRECONDITION,
        certs_errors.TrustedListRefused: Code.FAILED_PRECONDITION,
        certs_errors.CertificateRefused: Code.FAILED_PRECONDITION,
        certs_errors.KeyUnusable: Code.FAILED_PRECONDITION,
        certs_errors.TokenUnavailable: Code.UNAVAILABLE,
        certs_errors.RemoteSignerUnavailable: Code.UNAVAILABLE,
        certs_errors.PracticeAuthorityUnusable: Code.FAILED_PRECONDITION,
        certs_errors.FetchFailed: Code.UNAVAILABLE,
        certs_errors.FetchRefused: Code.FAILED_PRECONDITION,
        certs_errors.FetchTooLarge: Code.FAILED_PRECONDITION,
        certs_errors.TimestampFailed: Code.FAILED_PRECONDITION,
        certs_errors.TsaUnavailable: Code.UNAVAILABLE,
        signer_errors.DocumentRefused: Code.INVALID_ARGUMENT,
        signer_errors.SigningRefused: Code.FAILED_PRECONDITION,
        signer_errors.LevelUnavailable: Code.INVALID_ARGUMENT,
        signer_errors.VerificationFailed: Code.FAILED_PRECONDITION,
        signer_errors.PolicyInvalid: Code.FAILED_PRECONDITION,
        signer_errors.SandboxFailed: Code.UNAVAILABLE,
        signer_errors.SandboxLimitExceeded: Code.INVALID_ARGUMENT,
        storage_errors.DigestInvalid: Code.INVALID_ARGUMENT,
        storage_errors.DigestMismatch: Code.INVALID_ARGUMENT,
        storage_errors.ObjectMissing: Code.DATA_LOSS,
        storage_errors.ObjectCorrupt: Code.DATA_LOSS,
        storage_errors.StorageUnavailable: Code.UNAVAILABLE,
        storage_errors.StorageFull: Code.RESOURCE_EXHAUSTED,
        storage_errors.StorageError: Code.FAILED_PRECONDITION,
        exchange_errors.EnvelopeInvalid: Code.INVALID_ARGUMENT,
        exchange_errors.AccessRefused: Code.PERMISSION_DENIED,
        exchange_errors.IdentityUnknown: Code.UNAUTHENTICATED,
        exchange_errors.NotFound: Code.NOT_FOUND,
        storage_errors.RecordMissing: Code.NOT_FOUND,
        exchange_errors.Conflict: Code.FAILED_PRECONDITION,
        exchange_errors.RequestIdReused: Code.ALREADY_EXISTS,
        exchange_errors.EndpointExists: Code.ALREADY_EXISTS,
        exchange_errors.DocumentIdReused: Code.ALREADY_EXISTS,
        exchange_errors.UploadOffsetWrong: Code.OUT_OF_RANGE,
        exchange_errors.EtagMismatch: Code.ABORTED,
        exchange_errors.RequestInvalid: Code.INVALID_ARGUMENT,
        exchange_errors.StreamTooSlow: Code.DEADLINE_EXCEEDED,
        exchange_errors.NotBuiltYet: Code.UNIMPLEMENTED,
        exchange_errors.InternalFailure: Code.INTERNAL,
        exchange_errors.WorkerNotStarted: Code.UNAVAILABLE,
        exchange_errors.ConfigurationInvalid: Code.FAILED_PRECONDITION,
    }
)


def code_of(error: Exception) -> grpc.StatusCode | None:
    """The status code of one of our errors; None for anything else."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), None)


def status_of(error: Exception, code: grpc.StatusCode) -> Status:
    """Say an error as google.rpc.Status: ErrorInfo for programs, LocalizedMessage for people."""
    reason = getattr(error, "reason", "")
    info = ErrorInfo(reason=reason, domain=DOMAIN, metadata=_metadata(error))
    localized = LocalizedMessage(locale="vi", message=sentence(reason, "vi"))
    status = Status(code=code.value[0], message=_short(str(error)))
    for detail in (info, localized):
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


async def abort(context: grpc.aio.ServicerContext, error: Exception) -> NoReturn:  # type: ignore[type-arg]
    """End the call with one of our errors."""
    code = code_of(error) or Code.INTERNAL
    status = status_of(error, code)
    await context.abort(
        code, status.message, (("grpc-status-details-bin", status.SerializeToString()),)
    )


def _metadata(error: Exception) -> dict[str, str]:
    names = ("detail", "field", "rule", "committed_size_bytes")
    found = {name: getattr(error, name, None) for name in names}
    return {name: _short(str(value)) for name, value in found.items() if value not in (None, "")}


def _short(text: str) -> str:
    """Cut a text that names what a caller sent: trailers have room for 8 kB in all."""
    return text if len(text) <= _TEXT_CHARACTERS else text[:_TEXT_CHARACTERS] + "…"
