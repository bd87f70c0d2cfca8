"""Endpoints on the wire. Pure."""

from datetime import datetime

from certs.trust.anchors import Block
from congvan.v1 import common_pb2, registry_pb2
from exchange.agency import AgencyLevel, Endpoint, EndpointRole, parse_organ_id
from exchange.registry import RegisteredEndpoint
from exchange.wire.values import from_wire, instant, timestamp, to_wire


def read_endpoint(message: registry_pb2.Endpoint, *, now: datetime) -> Endpoint:
    """Read an endpoint that a registrar enters; valid from now on where no instant is given.

    Raises:
        ArgumentInvalid: a field is missing or has no known value.

    """
    return Endpoint(
        code=parse_organ_id(message.code),
        name=message.display_name,
        block=from_wire(message.block, common_pb2.Block, words=Block, field="endpoint.block"),
        level=from_wire(
            message.level, common_pb2.AdministrativeLevel, words=AgencyLevel, field="endpoint.level"
        ),
        parent=parse_organ_id(message.parent) if message.parent else None,
        email=message.email,
        roles=frozenset(
            from_wire(role, registry_pb2.Role, words=EndpointRole, field="endpoint.roles")
            for role in message.roles or [registry_pb2.ROLE_ENDPOINT]
        ),
        other_names=tuple(message.other_names),
        identifiers=tuple(message.identifiers),
        valid_from=instant(message.valid_from) if message.HasField("valid_from") else now,
        valid_until=instant(message.valid_until) if message.HasField("valid_until") else None,
    )


def write_endpoint(registered: RegisteredEndpoint) -> registry_pb2.Endpoint:
    """Show an endpoint."""
    endpoint = registered.endpoint
    return registry_pb2.Endpoint(
        name=f"endpoints/{endpoint.code}",
        code=endpoint.code,
        display_name=endpoint.name,
        block=common_pb2.Block.ValueType(to_wire(endpoint.block, common_pb2.Block)),
        level=common_pb2.AdministrativeLevel.ValueType(
            to_wire(endpoint.level, common_pb2.AdministrativeLevel)
        ),
        parent=endpoint.parent or "",
        email=endpoint.email,
        roles=[
            registry_pb2.Role.ValueType(to_wire(role, registry_pb2.Role))
            for role in sorted(endpoint.roles)
        ],
        certificate_sha256=endpoint.certificates,
        valid_from=timestamp(endpoint.valid_from),
        valid_until=timestamp(endpoint.valid_until),
        successor=registered.successor or "",
        etag=registered.etag,
        other_names=endpoint.other_names,
        identifiers=endpoint.identifiers,
    )
