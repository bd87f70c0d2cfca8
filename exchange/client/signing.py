"""Signing through the service, in two steps with a key of one's own; operations to their end."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.duration_pb2 import Duration
from google.rpc import status_pb2

from certs.keys import SigningKey
from certs.schemes import SchemeFamily, SignatureScheme, preferred_scheme
from congvan.v1 import common_pb2, operations_pb2, signing_pb2
from exchange.client.blobs import upload
from exchange.client.connection import Connection
from exchange.client.errors import ServiceAnswerInvalid, ServiceRefused
from exchange.client.refusals import refusal_of

BATCH_ITEMS: Final = 100
"""What the service takes in one batch."""
SIGNING_SECONDS: Final = 300.0
"""Deadline of a call that signs or prepares many documents."""
_WAIT_SECONDS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one document: its signed form, kept by the service, or why there is none."""

    document: common_pb2.BlobRef | None = None
    refusal: ServiceRefused | None = None


async def sign_with_own_key(
    connection: Connection,
    documents: Sequence[bytes | Path],
    *,
    key: SigningKey,
    options: signing_pb2.SigningOptions,
) -> list[Outcome]:
    """Have documents signed by a key that stays here; outcomes come in the documents' order.

    The key is asked once for each document that the service prepared, in the best scheme that it
    offers where the options name none. Raises ClientError where
    the service can't be asked at all, and KeyUnusable as the key does.
    """
    asked = signing_pb2.SigningOptions()
    asked.CopyFrom(options)
    if not asked.HasField("scheme"):
        _choose_scheme(asked, key)
    outcomes: list[Outcome] = []
    for start in range(0, len(documents), BATCH_ITEMS):
        part = documents[start : start + BATCH_ITEMS]
        outcomes += await _sign_batch(connection, part, key=key, options=asked)
    return outcomes


async def finished(
    connection: Connection, operation: operations_pb2.Operation
) -> signing_pb2.SignDocumentResponse:
    """Wait for an operation that signs, however long it takes.

    Raises ServiceRefused with the operation's reason where it failed, and other ClientErrors.
    """
    request = operations_pb2.WaitOperationRequest(
        name=operation.name, timeout=Duration(seconds=_WAIT_SECONDS)
    )
    while not operation.done:
        operation = await connection.call(connection.operations.WaitOperation, request)
    failure = operation.failure
    if failure.reason:
        raise ServiceRefused(
            operation.name,
            reason=failure.reason,
            code=grpc.StatusCode.FAILED_PRECONDITION.name,
            message_vi=failure.message_vi,
            message_en=failure.message_en,
        )
    answer = signing_pb2.SignDocumentResponse()
    if not operation.response.Unpack(answer):
        raise ServiceAnswerInvalid(f"{operation.name} has no signed document")
    return answer


def _choose_scheme(options: signing_pb2.SigningOptions, key: SigningKey) -> None:
    """Name the key's best scheme: the service sees the certificate, not what the token can do."""
    scheme = preferred_scheme(key.certificate.public_key(), key.families)
    if scheme is not None:
        name = f"SCHEME_FAMILY_{scheme.family.name}"
        options.scheme.family = signing_pb2.SchemeFamily.Value(name)
        options.scheme.digest_algorithm = scheme.digest_algorithm


async def _sign_batch(
    connection: Connection,
    documents: Sequence[bytes | Path],
    *,
    key: SigningKey,
    options: signing_pb2.SigningOptions,
) -> list[Outcome]:
    chain = [each.public_bytes(Encoding.DER) for each in (key.certificate, *key.chain)]
    requests = []
    for document in documents:
        blob = await upload(connection, document, media_type="application/pdf")
        requests.append(
            signing_pb2.PrepareSigningRequest(
                document=signing_pb2.DocumentContent(blob_sha256=blob.sha256),
                options=options,
                certificate_chain=chain,
            )
        )
    prepared = await connection.call(
        connection.signing.BatchPrepareSigning,
        signing_pb2.BatchPrepareSigningRequest(request_id=str(uuid.uuid4()), requests=requests),
        deadline_seconds=SIGNING_SECONDS,
    )
    outcomes = [Outcome(refusal=_refusal(each)) for each in prepared.statuses]
    places = [place for place, each in enumerate(outcomes) if each.refusal is None]
    if not places:
        return outcomes
    completed = await connection.call(
        connection.signing.BatchCompleteSigning,
        signing_pb2.BatchCompleteSigningRequest(
            request_id=str(uuid.uuid4()),
            requests=[await _value(prepared.sessions[place], key=key) for place in places],
        ),
        deadline_seconds=SIGNING_SECONDS,
    )
    answers = zip(places, completed.responses, completed.statuses, strict=True)
    for place, response, status in answers:
        refusal = _refusal(status)
        outcomes[place] = Outcome(
            document=response.document if refusal is None else None, refusal=refusal
        )
    return outcomes


async def _value(
    session: signing_pb2.SigningSession, *, key: SigningKey
) -> signing_pb2.CompleteSigningRequest:
    name = signing_pb2.SchemeFamily.Name(session.scheme_family).removeprefix("SCHEME_FAMILY_")
    try:
        scheme = SignatureScheme(SchemeFamily[name], session.digest_algorithm)
    except (KeyError, ValueError):
        raise ServiceAnswerInvalid(f"an unknown scheme: {name}") from None
    value = await key.sign_raw(session.data_to_be_signed, scheme)
    return signing_pb2.CompleteSigningRequest(session=session.name, signature_value=value)


def _refusal(status: status_pb2.Status) -> ServiceRefused | None:
    if not status.code:
        return None
    return refusal_of(status) or ServiceRefused("", reason="", code=str(status.code))
