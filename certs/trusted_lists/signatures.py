"""The signature of a trusted list: which bytes a certificate that we were given has signed (pure).

signxml verifies; around it stands what it leaves to its callers: one signature, at its place, over
the whole list and nothing of which could be mistaken for it (signature wrapping), with strong
algorithms, by a certificate that the operator pinned. What is read afterwards is what signxml says
was signed, never the file. Nothing inside the file chooses the key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from certs.algorithms import certificate_weakness
from certs.errors import TrustedListSignatureInvalid, TrustedListUnreadable
from certs.parsing import DAMAGE
from certs.trusted_lists.parsing import TSL, hardened_parser, parse_list

_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_SIGNED_PROPERTIES: Final = "http://uri.etsi.org/01903#SignedProperties"
_ENVELOPED: Final = f"{_DS}enveloped-signature"
# With comments, text that was cut in two by one would be read by halves.
_CANONICAL: Final = frozenset(
    {
        CanonicalizationMethod.CANONICAL_XML_1_0.value,
        CanonicalizationMethod.CANONICAL_XML_1_1.value,
        CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0.value,
    }
)
# TS 119 312: SHA-2 and SHA-3 of 256 bits and more, RSA (PKCS#1 v1.5 and PSS) and ECDSA.
_DIGESTS: Final = frozenset(
    each for each in DigestAlgorithm if re.fullmatch(r"SHA(3_)?(256|384|512)", each.name)
)
_METHODS: Final = frozenset(
    each
    for each in SignatureMethod
    if re.fullmatch(r"(RSA|ECDSA)_SHA(3_)?(256|384|512)|SHA(3_)?(256|384|512)_RSA_MGF1", each.name)
)
_FRAGMENT = re.compile(r"#([A-Za-z_][\w.-]*)")
_FAILURES: Final = (
    SignXMLException,
    etree.LxmlError,
    *DAMAGE,
    AttributeError,
    AssertionError,
    NotImplementedError,
)


def signed_list(
    content: bytes, *, signers: Sequence[x509.Certificate], at: datetime
) -> tuple[etree._Element, x509.Certificate]:
    """The list as it was signed by one of these certificates, without the signature, and which.

    Raises TrustedListUnreadable, TrustedListSignatureInvalid.
    """
    root = parse_list(content)
    if root.tag != f"{{{TSL}}}TrustServiceStatusList":
        raise TrustedListUnreadable("its root is not a TrustServiceStatusList of TS 119 612")
    whole, references = _whole_reference(root)
    problem = "no certificate was given to verify it with"
    for signer in signers:
        weakness = certificate_weakness(signer, self_signed=True)
        if weakness:
            problem = f"the signer's certificate has {weakness}"
            continue
        try:
            results = XAdESVerifier().verify(
                content,
                x509_cert=signer,
                parser=hardened_parser(),
                expect_config=XAdESSignatureConfiguration(
                    location="./",
                    expect_references=references,
                    signature_methods=_METHODS,
                    digest_algorithms=_DIGESTS,
                    verification_time=at,
                    # XML Signature 1.1 §4.4.3.2, where a reference names no canonical form.
                    default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
                ),
            )
        except _FAILURES as error:
            problem = f"{type(error).__name__}: {error}"[:300]
            continue
        return _signed_root(results[whole].signed_data), signer
    raise TrustedListSignatureInvalid(problem)


def _signed_root(signed: bytes) -> etree._Element:
    root = parse_list(signed)
    if root.tag != f"{{{TSL}}}TrustServiceStatusList":
        raise TrustedListSignatureInvalid("what was signed is not the list")
    if root.find(f".//{{{_DS}}}Signature") is not None:
        raise TrustedListSignatureInvalid("what was signed holds another signature")
    return root


def _whole_reference(root: etree._Element) -> tuple[int, int]:
    """Which reference is that to the whole list, and how many there are; refuses all other forms.

    TS 119 612 annex B.1: enveloped, with the two transforms named there, beside the signed
    properties (EN 319 132-1 §4.4.2); a reference to the signature's own KeyInfo does no harm.
    """
    found = list(root.iter(f"{{{_DS}}}Signature"))
    if len(found) != 1 or found[0].getparent() is not root:
        raise TrustedListSignatureInvalid("there must be one signature, directly below the root")
    signature = found[0]
    info = _only(signature, "SignedInfo")
    if _only(info, "CanonicalizationMethod").get("Algorithm") not in _CANONICAL:
        raise TrustedListSignatureInvalid("an unknown canonicalization")
    for method in signature.iter(f"{{{_DS}}}DigestMethod"):
        if method.get("Algorithm") not in {each.value for each in _DIGESTS}:
            raise TrustedListSignatureInvalid(f"the digest {method.get('Algorithm')}")
    references = info.findall(f"{{{_DS}}}Reference")
    targets = [_target(root, signature, reference=reference) for reference in references]
    if sorted(targets) not in (["list", "properties"], ["key", "list", "properties"]):
        raise TrustedListSignatureInvalid(f"it refers to: {', '.join(targets) or 'nothing'}")
    return targets.index("list"), len(targets)


def _target(root: etree._Element, signature: etree._Element, *, reference: etree._Element) -> str:
    uri = reference.get("URI")
    transforms = [
        str(each.get("Algorithm")) for each in reference.iterfind(f"{{{_DS}}}Transforms/*")
    ]
    if uri == "":
        element: etree._Element | None = root
    else:
        match = _FRAGMENT.fullmatch(uri or "")
        element = _element_of(root, match[1]) if match else None
    if element is root:
        if len(transforms) == 2 and transforms[0] == _ENVELOPED and transforms[1] in _CANONICAL:
            return "list"
        raise TrustedListSignatureInvalid("the list is transformed before it is signed")
    if element is None or not _CANONICAL.issuperset(transforms) or len(transforms) > 1:
        return "another place"
    if element.tag == f"{{{_DS}}}KeyInfo" and element.getparent() is signature:
        return "key"
    above = [signature, *element.iterancestors()]
    if (
        element.tag == f"{{{_XADES}}}SignedProperties"
        and reference.get("Type") == _SIGNED_PROPERTIES
        and signature in above[1:]
    ):
        return "properties"
    return "another place"


def _element_of(root: etree._Element, name: str) -> etree._Element:
    """The one element of this name; two of them could be told apart by nobody."""
    named = [
        element
        for element in root.iter(etree.Element)
        if any(
            etree.QName(str(key)).localname.lower() == "id" and value == name
            for key, value in element.attrib.items()
        )
    ]
    if len(named) != 1:
        raise TrustedListSignatureInvalid(f"{len(named)} elements have the name it refers to")
    return named[0]


def _only(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(f"{{{_DS}}}{name}")
    if len(found) != 1:
        raise TrustedListSignatureInvalid(f"{len(found)} elements {name}")
    return found[0]
