"""Reading trusted lists: only what a given certificate signed, whole, current and well-formed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from asn1crypto.x509 import Certificate as Asn1Certificate
from lxml import etree
from pyhanko.sign.validation.qualified.eutl_parse import trust_list_to_registry
from pyhanko_certvalidator.authority import AuthorityWithCert
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.xades.xades import XAdESSigner

from certs.errors import (
    TrustedListExpired,
    TrustedListRefused,
    TrustedListSignatureInvalid,
    TrustedListUnreadable,
)
from certs.trusted_lists import parsing as trusted_list_xml
from certs.trusted_lists.lists import TrustedList, read_trusted_list
from tests.certs.forging import weak_rsa
from tests.support.trusted_lists import (
    CA_QC,
    DS,
    GRANTED,
    NOW,
    Scheme,
    Service,
    State,
    list_xml,
    signed,
)
from tests.support.unmarked import Made, unmarked

PUBLISHER = unmarked("The publisher", ca=None, since=NOW - timedelta(days=900))
CA = unmarked("A listed authority", since=NOW - timedelta(days=900))
SINCE = NOW - timedelta(days=300)
SERVICE = Service(certificates=(CA.der,), states=(State(since=SINCE),))
UNSIGNED = list_xml(SERVICE)
GOOD = signed(UNSIGNED, PUBLISHER)


def read(content: bytes, *signers: Made, at: datetime = NOW, pointers: bool = False) -> TrustedList:
    ders = tuple(each.der for each in signers or (PUBLISHER,))
    return read_trusted_list(content, signers=ders, at=at, with_pointers=pointers)


def test_a_signed_list_says_who_publishes_it_and_whom_it_vouches_for() -> None:
    found = read(GOOD)
    assert (found.sequence, found.territory, found.operator) == (7, "XX", "The publisher")
    assert found.next_update_at == NOW + timedelta(days=100)
    assert found.signer == PUBLISHER.der
    [service] = found.services
    assert (service.provider, service.name) == ("The provider", "Một dịch vụ")
    assert service.certificates == (CA.der,)
    [state] = service.states
    assert (state.since, state.kind, state.status) == (SINCE, CA_QC, GRANTED)
    assert found.pointers == ()


def test_other_lists_are_named_only_when_they_are_asked_for() -> None:
    scheme = Scheme(pointers=[("https://list.example/xx.xml", "XY", CA.der)])
    content = signed(list_xml(scheme=scheme), PUBLISHER)
    assert read(content).pointers == ()
    [pointer] = read(content, pointers=True).pointers
    assert (pointer.location, pointer.territory) == ("https://list.example/xx.xml", "XY")
    assert pointer.signers == (CA.der,)


def test_any_of_several_given_certificates_may_have_signed() -> None:
    assert read(GOOD, CA, PUBLISHER).signer == PUBLISHER.der


@pytest.mark.parametrize(
    "canonicalization",
    [
        CanonicalizationMethod.CANONICAL_XML_1_0,
        CanonicalizationMethod.CANONICAL_XML_1_1,
        CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    ],
)
def test_lists_in_any_canonical_form_without_comments_are_read(
    canonicalization: CanonicalizationMethod,
) -> None:
    assert read(signed(UNSIGNED, PUBLISHER, canonicalization=canonicalization)).sequence == 7


@pytest.mark.parametrize(
    "method", [SignatureMethod.RSA_SHA256, SignatureMethod.SHA512_RSA_MGF1], ids=lambda e: e.name
)
def test_lists_signed_with_rsa_are_read(method: SignatureMethod) -> None:
    signer = unmarked("RSA", key=weak_rsa(2048), ca=None, since=NOW - timedelta(days=9))
    assert read(signed(UNSIGNED, signer, method=method), signer).sequence == 7


def test_the_engines_own_reader_finds_the_same_service_in_the_lists_that_we_make() -> None:
    """The lists of these tests are lists to others too, not only to the reader under test."""
    pinned = Asn1Certificate.load(PUBLISHER.der)
    registry, errors = trust_list_to_registry(GOOD.decode(), [pinned])
    assert errors == []
    [authority] = registry.known_certificate_authorities
    assert isinstance(authority, AuthorityWithCert)
    assert authority.certificate.dump() == CA.der


# --- the signature -----------------------------------------------------------------------------


def moved(
    content: bytes, change: Callable[[etree._Element, etree._Element], etree._Element]
) -> bytes:
    """The signed list, taken apart and put together differently."""
    root = etree.fromstring(content)
    signature = root.find(f"{{{DS}}}Signature")
    assert signature is not None
    return etree.tostring(change(root, signature), encoding="UTF-8", xml_declaration=True)


def other_list() -> etree._Element:
    return etree.fromstring(list_xml(scheme=Scheme(sequence="8", territory="EV")))


def wrapped_with_name(root: etree._Element, signature: etree._Element) -> etree._Element:
    """The signed list is kept inside, under the name that the signature refers to."""
    outer = other_list()
    outer.append(signature)
    holder = etree.SubElement(signature, f"{{{DS}}}Object")
    holder.append(root)
    return outer


def wrapped_beside(root: etree._Element, signature: etree._Element) -> etree._Element:
    outer = other_list()
    outer.append(root)
    outer.append(signature)
    return outer


def twice(root: etree._Element, signature: etree._Element) -> etree._Element:
    root.insert(0, etree.fromstring(etree.tostring(signature)))
    return root


def deeper(root: etree._Element, signature: etree._Element) -> etree._Element:
    root[0].append(signature)
    return root


def unsigned(root: etree._Element, signature: etree._Element) -> etree._Element:
    root.remove(signature)
    return root


def without_properties(root: etree._Element, signature: etree._Element) -> etree._Element:
    for found in signature.findall(f"{{{DS}}}Object"):
        signature.remove(found)
    return root


def with_xpath(root: etree._Element, signature: etree._Element) -> etree._Element:
    transforms = signature.find(f".//{{{DS}}}Transforms")
    assert transforms is not None
    transform = etree.SubElement(transforms, f"{{{DS}}}Transform")
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
    etree.SubElement(transform, f"{{{DS}}}XPath").text = "not(ancestor-or-self::*)"
    return root


def with_a_third_reference(root: etree._Element, signature: etree._Element) -> etree._Element:
    info = signature[0]
    info.append(etree.fromstring(etree.tostring(info.findall(f"{{{DS}}}Reference")[0])))
    return root


def edited(root: etree._Element, _signature: etree._Element) -> etree._Element:
    [status] = root.iter("{http://uri.etsi.org/02231/v2#}TSLSequenceNumber")
    status.text = "8"
    return root


def with_the_evil_key(root: etree._Element, signature: etree._Element) -> etree._Element:
    root.remove(signature)
    return etree.fromstring(signed(etree.tostring(root), CA))


@pytest.mark.parametrize(
    "attack",
    [
        wrapped_with_name,
        wrapped_beside,
        twice,
        deeper,
        unsigned,
        without_properties,
        with_xpath,
        with_a_third_reference,
        edited,
        with_the_evil_key,
    ],
)
@pytest.mark.parametrize("named", [False, True], ids=["by nothing", "by name"])
def test_no_list_passes_that_was_not_signed_as_it_stands(
    attack: Callable[[etree._Element, etree._Element], etree._Element], named: bool
) -> None:
    source = UNSIGNED.replace(b" TSLTag", b' Id="the-list" TSLTag') if named else UNSIGNED
    content = signed(source, PUBLISHER)
    assert read(content).sequence == 7
    with pytest.raises(TrustedListSignatureInvalid):
        read(moved(content, attack))


def test_two_elements_of_one_name_are_refused() -> None:
    source = UNSIGNED.replace(b" TSLTag", b' Id="the-list" TSLTag')
    content = signed(source, PUBLISHER)
    doubled = content.replace(b"<ds:KeyInfo ", b'<ds:KeyInfo xml:id="the-list" ')
    with pytest.raises(TrustedListSignatureInvalid, match="have the name"):
        read(doubled)


def test_a_certificate_inside_the_list_decides_nothing() -> None:
    """The attacker signs with a key of his own and puts the publisher's certificate inside."""
    forged = signed(list_xml(scheme=Scheme(sequence="8")), CA)
    inside = re.search(rb"<ds:X509Certificate>(.*?)</ds:X509Certificate>", forged, re.DOTALL)
    published = re.search(rb"<ds:X509Certificate>(.*?)</ds:X509Certificate>", GOOD, re.DOTALL)
    assert inside
    assert published
    for content in (forged, forged.replace(inside[1], published[1])):
        with pytest.raises(TrustedListSignatureInvalid):
            read(content)


def test_without_a_certificate_to_verify_with_nothing_is_read() -> None:
    with pytest.raises(TrustedListSignatureInvalid, match="no certificate was given"):
        read_trusted_list(GOOD, signers=(), at=NOW)


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA224"])
def test_weak_digests_are_refused(algorithm: str) -> None:
    class Weakly(XAdESSigner):
        def check_deprecated_methods(self) -> None:
            """The honest library refuses to sign with SHA-1."""

    signer = Weakly(digest_algorithm=DigestAlgorithm[algorithm], signature_algorithm="ecdsa-sha256")
    root = signer.sign(etree.fromstring(UNSIGNED), key=PUBLISHER.key, cert=[PUBLISHER.certificate])
    with pytest.raises(TrustedListSignatureInvalid, match="the digest"):
        read(etree.tostring(root))


def test_a_weak_key_signs_no_list() -> None:
    weak = unmarked("Weak", key=weak_rsa(1024), ca=None, since=NOW - timedelta(days=9))
    content = signed(UNSIGNED, weak, method=SignatureMethod.RSA_SHA256)
    with pytest.raises(TrustedListSignatureInvalid, match="1024 bits"):
        read(content, weak)


def test_a_signer_whose_certificate_has_expired_signs_no_list() -> None:
    old = unmarked("Old", ca=None, since=NOW - timedelta(days=900), until=NOW - timedelta(days=1))
    with pytest.raises(TrustedListSignatureInvalid, match="expired"):
        read(signed(UNSIGNED, old), old)


def test_no_damage_of_a_byte_makes_a_list_say_something_else() -> None:
    """What is damaged is refused, or was not what anybody reads (blanks, prefixes, comments)."""
    chance = random.Random(4)
    good = replace(read(GOOD), sha256="")
    accepted = 0
    for _ in range(600):
        damaged = bytearray(GOOD)
        place = chance.randrange(len(damaged))
        match chance.randrange(3):
            case 0:
                damaged[place] ^= 1 << chance.randrange(8)
            case 1:
                del damaged[place : place + chance.randrange(1, 40)]
            case _:
                start = chance.randrange(len(damaged))
                damaged[place:place] = damaged[start : start + chance.randrange(1, 200)]
        try:
            found = read(bytes(damaged))
        except TrustedListRefused:
            continue
        accepted += 1
        assert replace(found, sha256="") == good
    assert accepted < 30


def test_comments_do_not_cut_what_is_read_in_two() -> None:
    content = GOOD.replace(b">XX<", b">X<!-- a stranger's -->X<")
    assert read(content).territory == "XX"


# --- the list ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scheme",
    [
        Scheme(next_update=f"<dateTime>{(NOW - timedelta(days=1)).isoformat()}</dateTime>"),
        Scheme(next_update=""),
        Scheme(issued=(NOW + timedelta(days=1)).isoformat()),
    ],
    ids=["past its next update", "closed", "of the future"],
)
def test_a_list_that_is_not_of_this_time_is_refused(scheme: Scheme) -> None:
    with pytest.raises(TrustedListExpired):
        read(signed(list_xml(SERVICE, scheme=scheme), PUBLISHER))


@pytest.mark.parametrize(
    "scheme",
    [
        Scheme(version="4"),
        Scheme(sequence="-1"),
        Scheme(sequence="٣"),
        Scheme(sequence="9" * 40),
        Scheme(issued="2026-01-01T00:00:00"),
        Scheme(issued="yesterday"),
        Scheme(namespace="http://uri.etsi.org/02231/v3#"),
        Scheme(territory="<Name/>"),
    ],
)
def test_what_is_no_list_of_this_kind_is_refused(scheme: Scheme) -> None:
    with pytest.raises(TrustedListUnreadable):
        read(signed(list_xml(SERVICE, scheme=scheme), PUBLISHER))


def test_what_is_said_twice_is_refused() -> None:
    for name in (b"TSLSequenceNumber", b"NextUpdate", b"SchemeInformation"):
        again = re.sub(rb"(<%b>.*?</%b>)" % (name, name), rb"\1\1", UNSIGNED, flags=re.DOTALL)
        assert again != UNSIGNED
        with pytest.raises(TrustedListRefused):
            read(signed(again, PUBLISHER))


LAUGHS = b"".join(
    b'<!ENTITY l%d "%b">' % (number, b"&l%d;" % (number - 1) * 10 if number else b"ha" * 100)
    for number in range(12)
)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<!DOCTYPE x [" + LAUGHS + b"]><x>&l11;</x>", "DOCTYPE"),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>', "DOCTYPE"),
        (b'<?xml version="1.0" encoding="utf-7"?><x/>', "encoding"),
        ("<?xml version='1.0' encoding='utf-16'?><x/>".encode("utf-16"), "well-formed"),
        (b"<x>" * 60 + b"</x>" * 60, "deeper"),
        (b"<x " + b" ".join(b'a%d=""' % number for number in range(99)) + b"/>", "attributes"),
        (b"<x><?php evil?></x>", "processing instruction"),
        (b"<x>", "well-formed"),
        (b"", "well-formed"),
        (b"\x30\x82\x01\x00", "well-formed"),
        (b"<x/>", "root"),
    ],
)
def test_hostile_xml_is_refused_before_anything_is_built(content: bytes, told: str) -> None:
    with pytest.raises(TrustedListUnreadable, match=told):
        read(content)


def test_a_list_that_is_too_large_is_refused() -> None:
    with pytest.raises(TrustedListUnreadable, match="bytes"):
        read(b"<" * (trusted_list_xml.MAX_LIST_BYTES + 1))
    many = b"<x>" + b"<y/>" * trusted_list_xml.MAX_ELEMENTS + b"</x>"
    with pytest.raises(TrustedListUnreadable, match="elements"):
        read(many)


def test_a_service_whose_certificate_is_no_certificate_is_told_and_harms_no_other() -> None:
    damaged = [
        Service(certificates=(b"not DER",), states=(State(since=SINCE),)),
        Service(certificates=(), states=(State(since=SINCE),)),
        Service(certificates=(CA.der, PUBLISHER.der), states=(State(since=SINCE),)),
        Service(
            certificates=(CA.der,),
            states=(State(since=SINCE), State(since=SINCE), State(since=NOW)),
        ),
    ]
    *bad, good = read(signed(list_xml(*damaged, SERVICE), PUBLISHER)).services
    assert [each.damage for each in bad] == [
        "a certificate that can't be read",
        "no certificate",
        "certificates of several keys",
        "its history is out of order",
    ]
    assert all(each.certificates == () for each in bad)
    assert (good.damage, good.certificates) == ("", (CA.der,))
