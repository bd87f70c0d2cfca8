"""Who signed for whom: whole names and identifiers, relations of bodies, and nothing like them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.identity import IdentityKind, SignerIdentity
from exchange.agency import OrganId
from exchange.signing_for import (
    Body,
    Directory,
    SignedFor,
    identifier_key,
    name_key,
)

PROVINCE, SCIENCE, HOME = OrganId("H56"), OrganId("H56.90"), OrganId("H56.91")
WARD_A, WARD_B, OTHER_A = OrganId("H56.1"), OrganId("H56.2"), OrganId("H40.1")
OLD, OLDER, COMPANY = OrganId("H56.80"), OrganId("H56.70"), OrganId("2800123456")
BODIES = (
    Body(
        code=PROVINCE,
        names=("Ủy ban nhân dân tỉnh Thanh Hóa", "UBND tỉnh Thanh Hóa"),
        identifiers=("GOVVN-000.00.00.H56",),
    ),
    Body(code=SCIENCE, names=("Sở Khoa học và Công nghệ",), parent=PROVINCE),
    Body(code=HOME, names=("Sở Nội vụ",), parent=PROVINCE),
    Body(code=WARD_A, names=("UBND xã Tân Lập",), parent=PROVINCE),
    Body(code=WARD_B, names=("UBND xã Tân Lợi",), parent=PROVINCE),
    Body(code=OTHER_A, names=("UBND xã Tân Lập",)),
    Body(code=OLDER, names=("Sở Khoa học",), successor=OLD),
    Body(code=OLD, names=("Sở Khoa học, Công nghệ và Môi trường",), successor=SCIENCE),
    Body(code=COMPANY, names=("Công ty TNHH Sao Mai",)),
)
DIRECTORY = Directory(BODIES)


def seal(name: str, *, above: str = "", identifier: str = "", number: str = "") -> SignerIdentity:
    return SignerIdentity(
        kind=IdentityKind.ORGANISATION,
        common_name=name,
        organisation=above,
        organisation_identifier=identifier,
        serial_number=number,
    )


def person(organisation: str, unit: str = "") -> SignerIdentity:
    return SignerIdentity(
        kind=IdentityKind.PERSON, common_name="Nguyễn Văn An", organisation=organisation, unit=unit
    )


@pytest.mark.parametrize(
    ("signer", "code", "expected"),
    [
        (seal("Sở Khoa học và Công nghệ"), SCIENCE, SignedFor.MATCHES),
        (seal("SỞ  KHOA HỌC VÀ CÔNG NGHỆ "), SCIENCE, SignedFor.MATCHES),
        (seal("UBND tỉnh Thanh Hoá"), PROVINCE, SignedFor.MATCHES),
        (
            seal("Sở Khoa học và Công nghệ", above="Uỷ ban nhân dân tỉnh Thanh Hoá"),
            SCIENCE,
            SignedFor.MATCHES,
        ),
        # The same name below another province's body is another body.
        (
            seal("Sở Khoa học và Công nghệ", above="UBND tỉnh Nghệ An"),
            SCIENCE,
            SignedFor.OTHER_ORGANISATION,
        ),
        (seal("Sở Khoa học và Công nghê"), SCIENCE, SignedFor.OTHER_ORGANISATION),
        (seal("Sở Khoa học & Công nghệ"), SCIENCE, SignedFor.OTHER_ORGANISATION),
        (seal("UBND xã Tân Lợi"), WARD_A, SignedFor.OTHER_ORGANISATION),
        (seal("UBND xã Tân Lập"), WARD_B, SignedFor.OTHER_ORGANISATION),
        (seal("UBND xã Tân Lập"), WARD_A, SignedFor.NAME_NOT_UNIQUE),
        (seal("UBND xã Tân Lập", above="UBND tỉnh Thanh Hóa"), WARD_A, SignedFor.MATCHES),
        (
            seal("UBND xã Tân Lập", above="UBND tỉnh Thanh Hóa"),
            OTHER_A,
            SignedFor.OTHER_ORGANISATION,
        ),
        # An identifier decides, whatever the name says.
        (seal("Tên bất kỳ", identifier="GOVVN-000.00.00.H56"), PROVINCE, SignedFor.MATCHES),
        (seal("UBND xã Tân Lập", identifier="GOVVN-H56.1"), WARD_A, SignedFor.MATCHES),
        (
            seal("UBND xã Tân Lập", identifier="GOVVN-H40.1"),
            WARD_A,
            SignedFor.OTHER_ORGANISATION,
        ),
        (
            seal("Sở Khoa học và Công nghệ", identifier="GOVVN-H56.99"),
            SCIENCE,
            SignedFor.OTHER_ORGANISATION,
        ),
        # One of another scheme can't be compared: the name decides.
        (seal("Sở Khoa học và Công nghệ", number="MST:2800999999"), SCIENCE, SignedFor.MATCHES),
        (seal("Sao Mai", number="MST:2800123456"), COMPANY, SignedFor.MATCHES),
        (seal("Sao Mai", identifier="VATVN-2800123456"), COMPANY, SignedFor.MATCHES),
        (
            seal("Công ty TNHH Sao Mai", number="MST:2800123457"),
            COMPANY,
            SignedFor.OTHER_ORGANISATION,
        ),
        # Bodies that took over from each other.
        (seal("Sở Khoa học, Công nghệ và Môi trường"), SCIENCE, SignedFor.PREDECESSOR),
        (seal("Sở Khoa học"), SCIENCE, SignedFor.PREDECESSOR),
        (seal("Sở Khoa học và Công nghệ"), OLDER, SignedFor.SUCCESSOR),
        (person("Sở Khoa học"), SCIENCE, SignedFor.PREDECESSOR),
        # A superior's seal is the superior's; its person may sign what the body sends.
        (seal("UBND tỉnh Thanh Hóa"), SCIENCE, SignedFor.OTHER_ORGANISATION),
        (person("UBND tỉnh Thanh Hóa"), SCIENCE, SignedFor.SUPERIOR),
        (person("UBND tỉnh Thanh Hóa", "Văn phòng"), PROVINCE, SignedFor.MATCHES),
        (person("UBND tỉnh Thanh Hóa", "Văn phòng"), SCIENCE, SignedFor.OTHER_ORGANISATION),
        (person("Sở Khoa học và Công nghệ"), SCIENCE, SignedFor.MATCHES),
        (person("Sở Khoa học và Công nghệ"), PROVINCE, SignedFor.OTHER_ORGANISATION),
        # A person's unit that is a body of its own is where the person belongs.
        (person("UBND tỉnh Thanh Hóa", "Sở Nội vụ"), HOME, SignedFor.MATCHES),
        (person("UBND tỉnh Thanh Hóa", "Sở Nội vụ"), SCIENCE, SignedFor.OTHER_ORGANISATION),
        (person("UBND tỉnh Thanh Hóa", "UBND xã Tân Lập"), WARD_A, SignedFor.MATCHES),
        (person("UBND tỉnh Thanh Hóa", "UBND xã Tân Lập"), PROVINCE, SignedFor.OTHER_ORGANISATION),
        (person("UBND tỉnh Nghệ An", "Sở Nội vụ"), HOME, SignedFor.OTHER_ORGANISATION),
        (person(""), SCIENCE, SignedFor.NOT_STATED),
        (None, SCIENCE, SignedFor.NOT_STATED),
        (person("Sở Nội vụ"), "H56.99", SignedFor.UNKNOWN_ENDPOINT),
    ],
)
def test_a_certificate_belongs_to_the_body_it_names(
    signer: SignerIdentity | None, code: str, expected: SignedFor
) -> None:
    assert DIRECTORY.signed_for(signer, code) is expected


def test_a_body_that_kept_its_name_under_a_new_code_is_told_from_no_stranger() -> None:
    renumbered = Directory(
        [
            Body(code=OLD, names=("Sở Nội vụ",), successor=HOME),
            Body(code=HOME, names=("Sở Nội vụ",)),
        ]
    )
    for code in (OLD, HOME):
        assert renumbered.signed_for(seal("Sở Nội vụ"), code) is SignedFor.MATCHES


def test_two_bodies_that_claim_one_identifier_get_neither() -> None:
    both = Directory(
        [
            Body(code=WARD_A, names=("A",), identifiers=("MST:2800000001",)),
            Body(code=WARD_B, names=("B",), identifiers=("VATVN-2800000001",)),
        ]
    )
    signer = seal("A", number="MST:2800000001")
    assert both.signed_for(signer, WARD_A) is SignedFor.OTHER_ORGANISATION


def test_successors_in_a_circle_end() -> None:
    circle = Directory(
        [
            Body(code=WARD_A, names=("A",), successor=WARD_B),
            Body(code=WARD_B, names=("B",), successor=WARD_A),
        ]
    )
    assert circle.signed_for(seal("C"), WARD_A) is SignedFor.OTHER_ORGANISATION


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ủy ban", "Uỷ ban"),
        ("Thanh Hóa", "thanh HOÁ"),
        ("khỏe", "khoẻ"),
        (unicodedata.normalize("NFD", "Hạc Thành"), "Hạc\u00a0Thành"),
    ],
)
def test_ways_of_writing_one_name_are_equal(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("UBND xã A", "UBND xã B"),
        ("UBND xã A", "UBND xã А"),  # the second is Cyrillic
        ("Ｓở", "Sở"),
        ("Tân Lập", "Tan Lap"),
        ("Hòa Bình", "Họa Bình"),
        ("Sở Y tế.", "Sở Y tế"),
        ("Tân\u200bLập", "Tân Lập"),
        ("UBND xã Tân Lập", "UBND xã Tân Lập 2"),
    ],
)
def test_names_that_only_look_alike_are_not(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@given(st.text(alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxyàáảãạỳýỷỹỵòóỏõọèéẻẽẹùúủũụ ", max_size=12))
def test_a_name_s_key_is_a_fixed_point_and_loses_no_letter(name: str) -> None:
    key = name_key(name)
    assert name_key(key) == key

    def bare(text: str) -> str:
        parts = unicodedata.normalize("NFD", " ".join(text.casefold().split()))
        tones = "\u0300\u0301\u0303\u0309\u0323"
        return "".join(letter for letter in parts if letter not in tones)

    assert bare(key) == bare(name)


def test_identifiers_are_compared_within_their_scheme() -> None:
    assert identifier_key("MST:2800123456") == identifier_key("VATVN-2800123456")
    assert identifier_key("2800123456-001") == identifier_key("mst: 2800123456-001")
    assert identifier_key("GOVVN-H56.90") == identifier_key("H56.90")
    assert identifier_key("GOVVN-000.00.00.H56")[0] != identifier_key("H56")[0]
    assert identifier_key("NTRVN-12345") != identifier_key("12345")
