"""Who may call what: one table, deny by default. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from exchange.agency import EndpointRole

_EXCHANGE = frozenset({EndpointRole.ENDPOINT})
_ALL = frozenset(EndpointRole)
_REGISTRAR = frozenset({EndpointRole.REGISTRAR})
_EVIDENCE = frozenset({EndpointRole.ENDPOINT, EndpointRole.AUDITOR})
_ARCHIVE = frozenset({EndpointRole.ENDPOINT, EndpointRole.AUDITOR, EndpointRole.OPERATOR})
_CARE = frozenset({EndpointRole.AUDITOR, EndpointRole.OPERATOR})
_RATE = frozenset({EndpointRole.ENDPOINT, EndpointRole.AUDITOR})
_AUDITOR = frozenset({EndpointRole.AUDITOR})
_OPERATOR = frozenset({EndpointRole.OPERATOR})

# Answered without looking at who asks: whether the service is up is no secret to a holder of any
# certificate of the clients' CA.
OPEN_METHODS = frozenset(
    {"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", "/grpc.health.v1.Health/List"}
)

_SERVICES: Mapping[str, Mapping[frozenset[EndpointRole], str]] = {
    "ExchangeService": {
        _EXCHANGE: "CreateMessage SubmitMessage ValidateMessage GetMessage ListMessages GetDelivery"
        " ListDeliveries Pull Subscribe Acknowledge ReportStatus WatchStatus RequestRecall"
        " AnswerRecall GetReconciliation ConfirmReconciliation",
        _EVIDENCE: "GetEvidence ListEvidence",
    },
    "BlobService": {
        _EXCHANGE: "StartUpload WriteBlob WriteChunk QueryUpload CancelUpload DownloadBlob",
    },
    "SigningService": {
        _EXCHANGE: "ListSigningKeys SignDocument SignDocumentStream PrepareSigning CompleteSigning"
        " BatchPrepareSigning BatchCompleteSigning PrepareDocument AugmentSignature",
    },
    "VerificationService": {
        _ALL: "VerifyDocument VerifyDocumentStream BatchVerifyDocuments GetVerificationReport"
        " ListTrustAnchors GetVerificationPolicy VerifyEvidence",
    },
    "RegistryService": {
        _ALL: "GetEndpoint ListEndpoints ResolveRecipients ExplainRoute GetSnapshot WatchRegistry",
        _REGISTRAR: "CreateEndpoint UpdateEndpoint CloseEndpoint BindCertificate"
        " RevokeCertificateBinding GrantDelegation",
    },
    "ArchiveService": {
        _ARCHIVE: "GetRecord ListRecords ExportRecords CreateBundle",
        _CARE: "CheckIntegrity RenewPreservation PlaceLegalHold PlanDisposal",
        _EXCHANGE: "ImportBundle",
    },
    "ComplianceService": {
        _RATE: "ListRateDefinitions QuerySignatureRate ListExceptions QueryTimeliness",
        _AUDITOR: "FreezePeriod PublishReport",
    },
    "OperationService": {_ALL: "GetOperation ListOperations WaitOperation CancelOperation"},
}

METHOD_ROLES: Mapping[str, frozenset[EndpointRole]] = MappingProxyType(
    {
        f"/congvan.v1.{service}/{method}": roles
        for service, groups in _SERVICES.items()
        for roles, methods in groups.items()
        for method in methods.split()
    }
    | {
        # Reflection shows the whole contract; it is off unless the operator switches it on.
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _OPERATOR,
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": _OPERATOR,
    }
)


def may_call(roles: frozenset[EndpointRole], method: str) -> bool:
    """Tell whether one of these roles may call a method; one that the table lacks, nobody may."""
    return bool(roles & METHOD_ROLES.get(method, frozenset()))
