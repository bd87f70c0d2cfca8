"""What commands share that talk to the service: the connection, and words for its states."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC

import stamina.instrumentation
from google.protobuf.timestamp_pb2 import Timestamp

from congvan.v1 import common_pb2, envelope_pb2, exchange_pb2, verification_pb2
from exchange.cli.commands import Options, ProfileFile
from exchange.cli.moments import local_time
from exchange.cli.output import Output
from exchange.client.connection import Connection, connect
from exchange.client.profile_layers import layered_profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions(Options):
    """What every command takes that talks to the service."""

    profile: ProfileFile = None


@contextlib.asynccontextmanager
async def connected(options: ServiceOptions) -> AsyncIterator[Connection]:
    """Connect as the profile says. Raises ProfileMissing, ProfileInvalid."""
    # Its default is to log each repeat to stdout, which belongs to the command's result.
    stamina.instrumentation.set_on_retry_hooks(())
    async with connect(layered_profile(options.profile).profile) as connection:
        yield connection


def state_name(value: exchange_pb2.DeliveryState.ValueType) -> str:
    """Give a delivery's state without its prefix: `ACCEPTED`."""
    return exchange_pb2.DeliveryState.Name(value).removeprefix("DELIVERY_STATE_")


def verdict_name(value: verification_pb2.DocumentVerdict.ValueType) -> str:
    """Give a document's verdict without its prefix: `VALID`."""
    return verification_pb2.DocumentVerdict.Name(value).removeprefix("DOCUMENT_VERDICT_")


def block_name(value: common_pb2.Block.ValueType) -> str:
    """Give a block without its prefix: `STATE`."""
    return common_pb2.Block.Name(value).removeprefix("BLOCK_")


def status_code(value: envelope_pb2.StatusCode.ValueType) -> str:
    """Give an edXML status in two digits: `03`."""
    return f"{int(value):02d}"


def instant_json(stamp: Timestamp) -> str | None:
    """Give an instant in ISO 8601, None where it is not set."""
    if not stamp.seconds:
        return None
    return stamp.ToDatetime(UTC).isoformat().replace("+00:00", "Z")


def instant_text(stamp: Timestamp) -> str:
    """Give an instant as people read it, "" where it is not set."""
    return local_time(stamp.ToDatetime(UTC)) if stamp.seconds else ""


def verdict_text(value: verification_pb2.DocumentVerdict.ValueType, output: Output) -> str:
    """Give a verdict in the command's language."""
    return output.phrase(f"verdict.{verdict_name(value)}")


def document_code(envelope: envelope_pb2.Envelope) -> str:
    """Write number and notation as on paper: `3905/QĐ-UBND`."""
    return f"{envelope.code.number}/{envelope.code.notation}"
