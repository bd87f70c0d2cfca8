"""ML-DSA from the command line: only where it is asked for by name, and told as experimental."""

from __future__ import annotations

import pytest

from certs.practice.authority import Issued
from certs.practice.profiles import HolderKeyKind
from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program
from tests.support.practice import Practice


def person_with(practice: Practice, kind: HolderKeyKind) -> Issued:
    return practice.authority.issue_person("An", organisation="Sở", position="GĐ", key=kind)


def pem_key(desk: Desk, issued: Issued) -> None:
    desk.key.write_bytes(issued.certificate_pem + issued.private_key_pem)


def test_an_ml_dsa_key_signs_where_its_scheme_is_named(
    congvan: Program, desk: Desk, practice: Practice
) -> None:
    pem_key(desk, person_with(practice, "mldsa65"))
    by_default = congvan("sign", desk.document, *desk.signing, "--json")
    assert (by_default.code, by_default.reason) == (3, "KEY_TOO_WEAK")
    signed = congvan("sign", desk.document, *desk.signing, "--scheme", "ML-DSA/sha512", "--json")
    assert signed.code == 0, signed.out + signed.err
    verified = congvan("verify", desk.directory / "cong-van_daky.pdf", *desk.trusting, "--json")
    assert verified.code == 5, verified.out
    assert verified.document["reason"] == "EXPERIMENTAL_ALGORITHM"


@pytest.mark.parametrize("kind", ["rsa2048", "ed25519"])
def test_a_key_in_a_pem_file_signs_like_any_other(
    congvan: Program, desk: Desk, practice: Practice, kind: HolderKeyKind
) -> None:
    pem_key(desk, person_with(practice, kind))
    signed = congvan("sign", desk.document, *desk.signing, "--json")
    assert signed.code == 0, signed.out + signed.err
    verified = congvan("verify", desk.directory / "cong-van_daky.pdf", *desk.trusting, "--json")
    assert verified.code == 0, verified.out
