"""From certificate to person, organisation or endpoint, and never by a name that can be chosen."""

from __future__ import annotations

import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.errors import IdentityUnreadable
from certs.identity import (
    ENDPOINT_URN,
    IdentityKind,
    endpoint_code,
    fingerprint,
    identify,
)
from certs.practice.profiles import make_key
from tests.certs.forging import VALID

KEY = make_key("p256")


def certificate(
    attributes: list[tuple[x509.ObjectIdentifier, str]], names: list[x509.GeneralName] | None = None
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(VALID.not_before)
        .not_valid_after(VALID.not_after)
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEY, hashes.SHA256())


def named(*names: x509.GeneralName) -> x509.Certificate:
    return certificate([(NameOID.COMMON_NAME, ENDPOINT_URN + "H56")], list(names))


def uri(code: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(ENDPOINT_URN + code)


@pytest.mark.parametrize(
    "personal",
    [
        (NameOID.TITLE, "Giám đốc"),
        (NameOID.GIVEN_NAME, "An"),
        (NameOID.SURNAME, "Nguyễn"),
        (NameOID.USER_ID, "CCCD:038000000001"),
        (NameOID.USER_ID, "CMND:170000001"),
        (NameOID.SERIAL_NUMBER, "IDCVN-038000000001"),
    ],
)
def test_a_personal_attribute_makes_a_person(personal: tuple[x509.ObjectIdentifier, str]) -> None:
    found = identify(certificate([(NameOID.COMMON_NAME, "Nguyễn Văn An"), personal]))
    assert found.kind is IdentityKind.PERSON
    assert found.common_name == "Nguyễn Văn An"


@pytest.mark.parametrize(
    "attributes",
    [
        [(NameOID.COMMON_NAME, "Sở Nội vụ")],
        [(NameOID.COMMON_NAME, "Công ty X"), (NameOID.USER_ID, "MST:2800000000")],
        [
            (NameOID.COMMON_NAME, "Sở Nội vụ"),
            (NameOID.TITLE, "con dấu"),
            (NameOID.ORGANIZATION_IDENTIFIER, "GOVVN-H56.11"),
        ],
    ],
)
def test_an_organisation_identifier_or_nothing_personal_makes_an_organisation(
    attributes: list[tuple[x509.ObjectIdentifier, str]],
) -> None:
    assert identify(certificate(attributes)).kind is IdentityKind.ORGANISATION


def test_a_subject_without_a_common_name_is_refused() -> None:
    with pytest.raises(IdentityUnreadable):
        identify(certificate([(NameOID.ORGANIZATION_NAME, "Sở Nội vụ")]))


def test_control_characters_in_a_name_cannot_forge_a_line() -> None:
    found = identify(certificate([(NameOID.COMMON_NAME, "An\r\nVALID: yes\u202e")]))
    assert found.common_name == "An  VALID: yes"


def test_the_endpoint_is_read_from_its_one_uri_name() -> None:
    assert endpoint_code(named(uri("000.00.11.H56"))) == "000.00.11.H56"
    assert endpoint_code(named(x509.DNSName("a.example"), uri("H56"))) == "H56"


IMITATIONS: list[x509.GeneralName] = [
    x509.DNSName(ENDPOINT_URN + "H56"),
    x509.RFC822Name(ENDPOINT_URN + "H56"),
    x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ENDPOINT_URN + "H56")])),
    x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x0c\x03H56"),
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(IMITATIONS), min_size=1, max_size=6))
def test_no_name_of_another_type_counts_as_an_endpoint(imitations: list[x509.GeneralName]) -> None:
    with pytest.raises(IdentityUnreadable):
        endpoint_code(named(*imitations))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(IMITATIONS), max_size=6), st.integers(0, 6))
def test_imitations_beside_the_true_name_change_nothing(
    imitations: list[x509.GeneralName], place: int
) -> None:
    names = [*imitations[:place], uri("H56"), *imitations[place:]]
    assert endpoint_code(named(*names)) == "H56"


@pytest.mark.parametrize(
    "names",
    [
        (uri("H56"), uri("H57")),
        (uri("H56"), uri("H56")),
        (uri("H56"), x509.UniformResourceIdentifier("http://a.example")),
        (x509.UniformResourceIdentifier("urn:other:H56"),),
        (uri(""),),
        (uri("H56/../H57"),),
        (uri("H56\n"),),
        (uri("H56%00"),),
        (uri("x" * 36),),
        (x509.UniformResourceIdentifier("URN:CONGVAN:ENDPOINT:H56"),),
    ],
)
def test_two_names_or_a_malformed_code_are_refused(names: tuple[x509.GeneralName, ...]) -> None:
    with pytest.raises(IdentityUnreadable):
        endpoint_code(named(*names))


def test_the_common_name_never_names_an_endpoint() -> None:
    with pytest.raises(IdentityUnreadable):
        endpoint_code(certificate([(NameOID.COMMON_NAME, ENDPOINT_URN + "H56")]))


def test_the_fingerprint_is_sha256_in_hexadecimal() -> None:
    found = fingerprint(named(uri("H56")))
    assert len(found) == 64
    assert found == found.lower()
