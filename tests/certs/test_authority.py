"""The practice authority: what it issues, remembers and answers."""

from __future__ import annotations

from certs.identity import IdentityKind, identify
from certs.keys.file import FileKey
from tests.support.practice import LEADER, Practice


def test_a_leader_is_a_person_and_a_seal_an_organisation(
    leader_key: FileKey, seal_key: FileKey
) -> None:
    assert identify(leader_key.certificate).kind is IdentityKind.PERSON
    assert identify(leader_key.certificate).common_name == LEADER
    assert identify(seal_key.certificate).kind is IdentityKind.ORGANISATION


def test_the_authority_answers_over_http(practice: Practice, one_page_pdf: bytes) -> None:
    import urllib.request

    with urllib.request.urlopen(f"{practice.base_url}/crl") as answer:
        assert answer.read()[:1] == b"\x30"
    assert one_page_pdf.startswith(b"%PDF-")
