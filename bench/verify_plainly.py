"""What verification is compared with: pyHanko 0.38 as its documentation shows it."""

from __future__ import annotations

import asyncio
from io import BytesIO

from asn1crypto import crl, ocsp, x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.ades import AdESLTAValidationResult, ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from bench.harness import WrongResult
from bench.material import Material
from certs.revocation.evidence import RevocationEvidence


def roots_of(made: Material) -> list[x509.Certificate]:
    """Return the anchors as pyHanko takes them."""
    return [
        x509.Certificate.load(anchor.certificate.public_bytes(Encoding.DER))
        for anchor in made.trust.anchors
    ]


def verify_basic(
    document: bytes, roots: list[x509.Certificate], *, known: RevocationEvidence
) -> list[PdfSignatureStatus]:
    """Judge every signature of the document, each with a context of its own.

    The difference analysis is in it: pyHanko does it by itself where anything follows.
    """
    return [
        validate_pdf_signature(
            signature,
            signer_validation_context=ValidationContext(
                trust_roots=roots,
                ocsps=[ocsp.OCSPResponse.load(each) for each in known.ocsp_responses],
                crls=[crl.CertificateList.load(each) for each in known.crls],
                revocation_mode="hard-fail",
                allow_fetching=False,
            ),
        )
        for signature in PdfFileReader(BytesIO(document)).embedded_regular_signatures
    ]


def verify_long_term(
    document: bytes, roots: list[x509.Certificate], *, known: RevocationEvidence
) -> AdESLTAValidationResult:
    """Judge the document's one signature by EN 319 102-1 §5.6.3, as pyHanko has it."""
    spec = PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=CertValidationPolicySpec(
                trust_manager=SimpleTrustManager.build([CertTrustAnchor(each) for each in roots]),
                revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
            ),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY
            ),
            local_knowledge=LocalKnowledge(
                known_ocsps=[
                    container
                    for each in known.ocsp_responses
                    for container in OCSPContainer.load_multi(ocsp.OCSPResponse.load(each))
                ],
                known_crls=[CRLContainer(crl.CertificateList.load(each)) for each in known.crls],
            ),
        )
    )
    [signature] = PdfFileReader(BytesIO(document)).embedded_regular_signatures
    return asyncio.run(ades_lta_validation(signature, spec))


def require_basic(statuses: object, *, signatures: int = 1) -> None:
    """Require that pyHanko holds all signatures valid. Raises WrongResult."""
    if not isinstance(statuses, list) or len(statuses) != signatures:
        raise WrongResult(f"plain pyHanko: {statuses}")
    for each in statuses:
        if not isinstance(each, PdfSignatureStatus) or not each.bottom_line:
            raise WrongResult(f"plain pyHanko: {each}")


def require_long_term(result: object) -> None:
    """Require that the signature passed, with later changes looked at. Raises WrongResult."""
    if not isinstance(result, AdESLTAValidationResult) or result.ades_subindic is not AdESPassed.OK:
        raise WrongResult(f"plain pyHanko: {result}")
    status = result.api_status
    if not isinstance(status, PdfSignatureStatus) or status.diff_result is None:
        raise WrongResult(f"plain pyHanko looked at no changes: {result}")
