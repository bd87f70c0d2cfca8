"""Elements of the validation report of TS 119 102-2: names, instants and digests in XML (pure)."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Final

from lxml import etree

VR: Final = "http://uri.etsi.org/19102/v1.4.1#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
OWN: Final = "urn:congvan:verification:1"
"""Of what the standard has no element for: reasons, changes, leniencies."""
DIGESTS: Final = {
    "sha1": "http://www.w3.org/2000/09/xmldsig#sha1",
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}
_PREFIXES: Final = {"vr": VR, "XAdES": XADES, "ds": DS, "cv": OWN}


def vr(name: str, *content: str | etree._Element, **attributes: str) -> etree._Element:
    """Make an element of the report itself."""
    return _element(VR, name, *content, **attributes)


def ds(name: str, *content: str | etree._Element, **attributes: str) -> etree._Element:
    """Make an element of XML signatures."""
    return _element(DS, name, *content, **attributes)


def xades(name: str, *content: str | etree._Element, **attributes: str) -> etree._Element:
    """Make an element of XAdES."""
    return _element(XADES, name, *content, **attributes)


def own(name: str, *content: str | etree._Element, **attributes: str) -> etree._Element:
    """Make an element of ours."""
    return _element(OWN, name, *content, **attributes)


def moment(at: datetime) -> str:
    """Write an instant as XML has it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def digest(algorithm: str, value: bytes) -> etree._Element:
    """Make a digest with its algorithm."""
    method = ds("DigestMethod", Algorithm=DIGESTS[algorithm])
    return vr("DigestAlgAndValue", method, ds("DigestValue", b64encode(value).decode("ascii")))


def _element(
    namespace: str, name: str, *content: str | etree._Element, **attributes: str
) -> etree._Element:
    made = etree.Element(f"{{{namespace}}}{name}", attributes, nsmap=_PREFIXES)
    for part in content:
        if isinstance(part, str):
            made.text = (made.text or "") + part
        else:
            made.append(part)
    return made
