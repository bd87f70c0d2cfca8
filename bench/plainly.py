"""What is compared with: pyHanko as agencies run it, and pyHanko tuned by its public hooks only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from io import BytesIO

from asn1crypto import algos, cms, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata, sign_pdf
from pyhanko.sign.attributes import (
    CMSAttributeProvider,
    SignedAttributeProviderSpec,
    SigningCertificateV2Provider,
)
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSigner, Signer, SimpleSigner
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from bench.harness import WrongResult
from bench.material import PASSPHRASE, Material

RESERVED_HEX_DIGITS = 8192


def metadata(field_name: str) -> PdfSignatureMetadata:
    """What both ways of pyHanko are told of the signature."""
    return PdfSignatureMetadata(
        field_name=field_name, subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256"
    )


def sign_plainly(
    document: bytes,
    signer: SimpleSigner,
    *,
    field_name: str = "Signature1",
    new_field: SigFieldSpec | None = None,
) -> bytes:
    """Sign as pyHanko's documentation shows it; the signer is made once and used again."""
    output = sign_pdf(
        IncrementalPdfFileWriter(BytesIO(document)),
        metadata(field_name),
        signer,
        new_field_spec=new_field,
    )
    signed: bytes = output.getvalue()
    return signed


def pss_signer(made: Material) -> SimpleSigner:
    """The same signer with RSASSA-PSS."""
    signer = SimpleSigner.load_pkcs12(  # type: ignore[no-untyped-call]
        str(made.pkcs12), passphrase=PASSPHRASE, prefer_pss=True
    )
    assert isinstance(signer, SimpleSigner)
    return signer


class TunedSigner(Signer):
    """A signer that keeps its key, and hands its certificate's attribute in encoded already."""

    def __init__(self, made: Material) -> None:
        own = x509.Certificate.load(made.issued.certificate.public_bytes(Encoding.DER))
        registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        registry.register_multiple(
            x509.Certificate.load(each.public_bytes(Encoding.DER)) for each in made.issued.chain
        )
        super().__init__(
            signing_cert=own,
            cert_registry=registry,
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}),
        )
        key = load_pem_private_key(made.issued.private_key_pem, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key
        provider = SigningCertificateV2Provider(signing_cert=own)
        attribute = asyncio.run(provider.get_attribute())
        assert attribute is not None
        self.signed_attr_prov_spec = _Encoded(cms.CMSAttribute.load(attribute.dump()))

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    async def sign(self, document: bytes) -> bytes:
        """Sign with the space given, in the loop that runs already."""
        output = await PdfSigner(metadata("Signature1"), self).async_sign_pdf(
            IncrementalPdfFileWriter(BytesIO(document)), bytes_reserved=RESERVED_HEX_DIGITS
        )
        signed: bytes = output.getvalue()
        return signed


class _Encoded(SignedAttributeProviderSpec, CMSAttributeProvider):
    attribute_type = "signing_certificate_v2"

    def __init__(self, attribute: cms.CMSAttribute) -> None:
        self._attribute = attribute

    def signed_attr_providers(
        self, data_digest: bytes, digest_algorithm: str
    ) -> Iterable[CMSAttributeProvider]:
        return (self,)

    async def get_attribute(self, dry_run: bool = False) -> cms.CMSAttribute:
        return self._attribute


def require_valid(signed: object, made: Material, *, document: bytes, signatures: int = 1) -> None:
    """Require so many signatures, the last of which pyHanko holds valid and covering the file."""
    if not isinstance(signed, bytes) or not signed.startswith(document):
        raise WrongResult("the document was not kept")
    roots = [
        x509.Certificate.load(anchor.certificate.public_bytes(Encoding.DER))
        for anchor in made.trust.anchors
    ]
    found = PdfFileReader(BytesIO(signed)).embedded_regular_signatures
    if len(found) != signatures:
        raise WrongResult(f"{len(found)} signatures instead of {signatures}")
    context = ValidationContext(trust_roots=roots, allow_fetching=False)
    status = validate_pdf_signature(found[-1], signer_validation_context=context)
    if not (status.bottom_line and status.trusted):
        raise WrongResult(status.pretty_print_details())  # type: ignore[no-untyped-call]
