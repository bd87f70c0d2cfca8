"""A signer's certificate with everything that signing derives from it, derived once (pure).

The key itself is never kept here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from asn1crypto import algos
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.signers.pdf_cms import Signer, select_suitable_signing_md

from signer.cms_template import CmsTemplate
from signer.errors import KeyUnsupported

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from certs.keys import SigningKey
    from certs.timestamping import Timestamper

MAX_CURVE_SIGNATURE_BYTES: Final = 144
"""Upper bound of a signature that is not RSA: P-521 takes up to 139 (RFC 3279 §2.2.3)."""
_MECHANISMS: Final = {"rsa": "{digest}_rsa", "ec": "{digest}_ecdsa", "ed25519": "ed25519"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What signing needs to know of a signer.

    engine: pyHanko's view of the signer, for the choices it makes in the document.
    digest_algorithm: "sha256", "sha384" or "sha512", as strong as the key.
    max_container_bytes: the most that the CMS object takes without a time-stamp.
    """

    engine: Signer
    template: CmsTemplate
    digest_algorithm: str
    valid_from: datetime
    valid_until: datetime
    max_container_bytes: int

    async def sign_digest(
        self, document_digest: bytes, *, key: SigningKey, timestamper: Timestamper | None
    ) -> bytes:
        """Return the CMS object over a document's digest, with a time-stamp if one is to be had.

        The token is over the raw signature (RFC 3161 appendix A; EN 319 122-1 §5.3).
        """
        attributes = self.template.signed_attributes(document_digest)
        signature = await key.sign_raw(attributes, self.digest_algorithm)
        token = None
        if timestamper is not None:
            imprint = hashlib.new(self.digest_algorithm, signature).digest()
            token = await timestamper.stamp(imprint, self.digest_algorithm)
        return self.template.container(attributes, signature, timestamp=token)


@lru_cache(maxsize=256)
def credential_of(certificate: x509.Certificate, chain: tuple[x509.Certificate, ...]) -> Credential:
    """Derive what signing needs from a certificate. Raises KeyUnsupported for other key types.

    The chain's self-signed certificates are left out: a verifier trusts its own copy or none.
    """
    own = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    others = tuple(
        asn1_x509.Certificate.load(issuer.public_bytes(Encoding.DER))
        for issuer in chain
        if issuer.subject != issuer.issuer
    )
    public_key = own.public_key
    if public_key.algorithm not in _MECHANISMS:
        raise KeyUnsupported(public_key.algorithm)
    digest_algorithm = select_suitable_signing_md(public_key)
    mechanism = algos.SignedDigestAlgorithm(
        {"algorithm": _MECHANISMS[public_key.algorithm].format(digest=digest_algorithm)}
    )
    template = CmsTemplate.of(own, others, digest_algorithm=digest_algorithm, mechanism=mechanism)
    is_rsa = public_key.algorithm == "rsa"
    signature = bytes(public_key.byte_size if is_rsa else MAX_CURVE_SIGNATURE_BYTES)
    attributes = template.signed_attributes(hashlib.new(digest_algorithm).digest())
    return Credential(
        engine=Signer(signing_cert=own, signature_mechanism=mechanism),
        template=template,
        digest_algorithm=digest_algorithm,
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        max_container_bytes=len(template.container(attributes, signature, timestamp=None)),
    )
