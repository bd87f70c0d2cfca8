"""Trusted lists of ETSI TS 119 612 as their publishers make them, signed with signxml."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.xades.xades import XAdESSigner

from tests.support.unmarked import Made

BASE = "http://uri.etsi.org/TrstSvc/"
CA_QC = f"{BASE}Svctype/CA/QC"
CA_PKC = f"{BASE}Svctype/CA/PKC"
QTST = f"{BASE}Svctype/TSA/QTST"
STATUS = f"{BASE}TrustedList/Svcstatus/"
GRANTED = f"{STATUS}granted"
WITHDRAWN = f"{STATUS}withdrawn"
EXTENSION = f"{BASE}TrustedList/SvcInfoExt/"
SIGNATURES = f"{EXTENSION}ForeSignatures"
SEALS = f"{EXTENSION}ForeSeals"
TSL = "http://uri.etsi.org/02231/v2#"
DS = "http://www.w3.org/2000/09/xmldsig#"
SIE = f"{BASE}SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class State:
    """A status of a service from a day on."""

    since: datetime
    status: str = GRANTED
    purposes: Sequence[str] = (SIGNATURES,)
    kind: str = CA_QC
    extensions: str = ""
    """Further extensions, as XML."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service: its certificates (DER, or anything a list could hold) and states, newest first."""

    certificates: Sequence[bytes]
    states: Sequence[State]
    name: str = "Một dịch vụ"


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """What a list says of itself."""

    sequence: str = "7"
    version: str = "6"
    kind: str = f"{BASE}TrustedList/TSLType/EUgeneric"
    territory: str = "XX"
    issued: str = (NOW - timedelta(days=10)).isoformat()
    next_update: str = f"<dateTime>{(NOW + timedelta(days=100)).isoformat()}</dateTime>"
    namespace: str = TSL
    pointers: Sequence[tuple[str, str, bytes]] = field(default=())
    """Of other lists: address, territory, certificate."""


def list_xml(*services: Service, scheme: Scheme | None = None) -> bytes:
    """A list that nobody has signed yet."""
    about = scheme or Scheme()
    pointers = "".join(
        f"<OtherTSLPointer><ServiceDigitalIdentities>{_identity((der,))}</ServiceDigitalIdentities>"
        f"<TSLLocation>{escape(address)}</TSLLocation><AdditionalInformation><OtherInformation>"
        f"<SchemeTerritory>{territory}</SchemeTerritory></OtherInformation></AdditionalInformation>"
        "</OtherTSLPointer>"
        for address, territory, der in about.pointers
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><TrustServiceStatusList xmlns="{about.namespace}" '
        'TSLTag="http://uri.etsi.org/19612/TSLTag"><SchemeInformation>'
        f"<TSLVersionIdentifier>{about.version}</TSLVersionIdentifier>"
        f"<TSLSequenceNumber>{about.sequence}</TSLSequenceNumber><TSLType>{about.kind}</TSLType>"
        '<SchemeOperatorName><Name xml:lang="xx">Nhà xuất bản</Name>'
        '<Name xml:lang="en">The publisher</Name></SchemeOperatorName>'
        f"<SchemeTerritory>{about.territory}</SchemeTerritory>"
        f"<PointersToOtherTSL>{pointers}</PointersToOtherTSL>"
        f"<ListIssueDateTime>{about.issued}</ListIssueDateTime>"
        f"<NextUpdate>{about.next_update}</NextUpdate></SchemeInformation>"
        "<TrustServiceProviderList><TrustServiceProvider><TSPInformation>"
        '<TSPName><Name xml:lang="en">The provider</Name></TSPName></TSPInformation><TSPServices>'
        f"{''.join(_service(each) for each in services)}"
        "</TSPServices></TrustServiceProvider></TrustServiceProviderList></TrustServiceStatusList>"
    ).encode()


class Publisher(XAdESSigner):
    """Signs as publishers do: also of what a reference names it says how it was canonicalized."""

    def _add_reference_to_signed_info(
        self, sig_root: etree._Element, node_to_reference: etree._Element, **attrs: str
    ) -> None:
        super()._add_reference_to_signed_info(  # type: ignore[no-untyped-call]
            sig_root, node_to_reference, **attrs
        )
        [*_, reference] = sig_root.iter(f"{{{DS}}}Reference")
        transforms = etree.Element(f"{{{DS}}}Transforms")
        etree.SubElement(transforms, f"{{{DS}}}Transform").set("Algorithm", self.c14n_alg.value)
        reference.insert(0, transforms)


def signed(
    unsigned: bytes,
    signer: Made,
    *,
    method: SignatureMethod = SignatureMethod.ECDSA_SHA256,
    canonicalization: CanonicalizationMethod = (
        CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    ),
) -> bytes:
    """The list with an enveloped XAdES signature."""
    maker = Publisher(signature_algorithm=method, c14n_algorithm=canonicalization)
    root = maker.sign(
        etree.fromstring(unsigned),
        key=signer.key,
        cert=[signer.certificate],
        always_add_key_value=False,
    )
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _service(service: Service) -> str:
    name = f'<ServiceName><Name xml:lang="en">{escape(service.name)}</Name></ServiceName>'
    identity = _identity(service.certificates)
    current, *past = [_state(state, name, identity) for state in service.states]
    history = "".join(f"<ServiceHistoryInstance>{each}</ServiceHistoryInstance>" for each in past)
    return (
        f"<TSPService><ServiceInformation>{current}</ServiceInformation>"
        f"<ServiceHistory>{history}</ServiceHistory></TSPService>"
    )


def _state(state: State, name: str, identity: str) -> str:
    purposes = "".join(
        '<Extension Critical="true"><AdditionalServiceInformation><URI xml:lang="en">'
        f"{purpose}</URI></AdditionalServiceInformation></Extension>"
        for purpose in state.purposes
    )
    return (
        f"<ServiceTypeIdentifier>{state.kind}</ServiceTypeIdentifier>{name}{identity}"
        f"<ServiceStatus>{state.status}</ServiceStatus>"
        f"<StatusStartingTime>{state.since.isoformat()}</StatusStartingTime>"
        f"<ServiceInformationExtensions>{purposes}{state.extensions}</ServiceInformationExtensions>"
    )


def _identity(certificates: Sequence[bytes]) -> str:
    ids = "".join(
        f"<DigitalId><X509Certificate>{b64encode(der).decode()}</X509Certificate></DigitalId>"
        for der in certificates
    )
    return f"<ServiceDigitalIdentity>{ids}</ServiceDigitalIdentity>"
