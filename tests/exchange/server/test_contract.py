"""The contract keeps its own rules: identifiers on mutations, pages on lists, reasons on errors."""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, MethodDescriptor

from congvan.v1 import errors_pb2
from exchange.server.app import CONTRACT
from exchange.server.status import ROOTS

READS = (
    *("Get", "List", "Query", "Resolve", "Explain"),
    *("Watch", "Wait", "Pull", "Subscribe", "Download"),
)
# Neither do these change anything that others see.
WITHOUT_EFFECT = {"ValidateMessage", "VerifyEvidence", "CheckIntegrity", "PlanDisposal"}
# Their header is a whole request with its own id.
OF_WHOLE_REQUESTS = {"SignDocumentStream", "VerifyDocumentStream"}
# The offset names what is written: a repeat changes nothing.
IDEMPOTENT_BY_OFFSET = {"WriteBlob", "WriteChunk"}


def methods() -> Iterator[MethodDescriptor]:
    for file in CONTRACT:
        for service in file.DESCRIPTOR.services_by_name.values():
            yield from service.methods


def fields(message: Descriptor) -> set[str]:
    return set(message.fields_by_name)


def reasons_of(kind: type[Exception]) -> Iterator[str]:
    for child in kind.__subclasses__():
        if child.__dict__.get("reason"):
            yield child.__dict__["reason"]
        yield from reasons_of(child)


def test_every_mutation_carries_a_request_id() -> None:
    exempt = WITHOUT_EFFECT | OF_WHOLE_REQUESTS | IDEMPOTENT_BY_OFFSET
    mutations = [
        method
        for method in methods()
        if not method.name.startswith(READS) and method.name not in exempt
    ]
    assert len(mutations) > 25
    assert [m.name for m in mutations if "request_id" not in fields(m.input_type)] == []


def test_every_list_is_paged() -> None:
    lists = [method for method in methods() if method.name.startswith("List")]
    # The definitions of the rate are a handful of files that ship with the service.
    paged = [method for method in lists if method.name != "ListRateDefinitions"]
    assert [m.name for m in paged if not {"page_size", "page_token"} <= fields(m.input_type)] == []
    assert [m.name for m in paged if "next_page_token" not in fields(m.output_type)] == []


def test_the_contract_names_every_reason_and_no_other() -> None:
    named = set(errors_pb2.ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"}
    ours = {reason for root in ROOTS for reason in reasons_of(root)}
    assert named == ours
