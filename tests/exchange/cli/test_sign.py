"""Signing from the command line: certificates checked first, nothing overwritten, one attempt."""

from __future__ import annotations

import io
import os
from datetime import timedelta
from pathlib import Path

import pytest

from certs.practice.authority import Issued, Validity
from tests.exchange.cli.conftest import Desk, desk_with
from tests.exchange.cli.running import Program
from tests.support.practice import LEADER, PASSPHRASE, Practice, utc_now

PICTURE = Path(__file__).parents[2] / "data" / "pictures" / "leader-signature.png"


@pytest.fixture(scope="module")
def revoked(practice: Practice) -> Issued:
    issued = practice.authority.issue_person("Người Bị Thu Hồi", organisation="Cơ quan")
    practice.authority.revoke(issued.certificate)
    return issued


@pytest.fixture(scope="module")
def expired(practice: Practice) -> Issued:
    now = utc_now()
    validity = Validity(not_before=now - timedelta(days=30), not_after=now - timedelta(days=1))
    return practice.authority.issue_person("Hết Hạn", organisation="Cơ quan", validity=validity)


def test_a_signed_file_is_valid_at_level_b_t_and_the_original_stays(
    congvan: Program, desk: Desk
) -> None:
    before = desk.document.read_bytes()
    place = ("--picture", PICTURE, "--box", "1,126,61.6,44,20", "--line", "Ký thử số 09")
    signed = congvan("sign", desk.document, *desk.signing, *place, "--json")
    assert signed.code == 0, signed.err
    [entry] = signed.files.values()
    assert entry["outcome"] == "done"
    assert desk.document.read_bytes() == before
    target = desk.directory / "cong-van_daky.pdf"
    verified = congvan("verify", target, *desk.trusting, "--json")
    assert verified.code == 0, verified.out
    [signature] = verified.document["signatures"]
    assert (signature["level"], signature["kind"]) == ("B-T", "SIGNATURE")
    assert signature["signer"]["common_name"] == LEADER
    assert verified.document["sha256"] == entry["sha256"]
    assert oct(target.stat().st_mode & 0o777) == oct(0o666 & ~_umask())


def test_an_existing_output_is_never_overwritten(congvan: Program, desk: Desk) -> None:
    target = desk.directory / "cong-van_daky.pdf"
    target.write_bytes(b"something of somebody's")
    refused = congvan("sign", desk.document, *desk.signing, "--json")
    assert (refused.code, refused.reason) == (3, "OUTPUT_EXISTS")
    assert target.read_bytes() == b"something of somebody's"


def test_a_wrong_passphrase_is_told_and_nothing_is_written(congvan: Program, desk: Desk) -> None:
    desk.passphrase.write_text("wrong\n")
    refused = congvan("sign", desk.document, *desk.signing, "--json")
    assert (refused.code, refused.reason) == (4, "PASSPHRASE_WRONG")
    assert "wrong\n" not in refused.out + refused.err
    assert _left(desk) == []


def test_without_a_terminal_nobody_is_asked_for_a_passphrase(
    congvan: Program, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("typed into a pipe\n"))
    refused = congvan("sign", desk.document, "--key", desk.key, *desk.trusting, "--json")
    assert (refused.code, refused.reason) == (4, "PASSPHRASE_MISSING")


def test_a_passphrase_may_come_from_a_descriptor(congvan: Program, desk: Desk) -> None:
    reading, writing = os.pipe()
    os.write(writing, PASSPHRASE + b"\n")
    os.close(writing)
    given = ("--key", desk.key, "--passphrase-fd", reading, "--level", "B-B")
    assert congvan("sign", desk.document, *given, *desk.trusting).code == 0
    os.close(reading)


def test_a_revoked_certificate_is_refused_before_signing(
    congvan: Program, desk: Desk, revoked: Issued
) -> None:
    other = desk_with(desk.practice, revoked, directory=desk.directory, document=desk.document)
    refused = congvan("sign", other.document, *other.signing, "--json")
    assert (refused.code, refused.reason) == (3, "CERTIFICATE_REVOKED")
    assert _left(desk) == []


def test_an_expired_certificate_is_refused_before_signing(
    congvan: Program, desk: Desk, expired: Issued
) -> None:
    other = desk_with(desk.practice, expired, directory=desk.directory, document=desk.document)
    refused = congvan("sign", other.document, *other.signing, "--json")
    assert (refused.code, refused.reason) == (3, "CERTIFICATE_EXPIRED")


def test_unknown_revocation_is_refused_unless_accepted_aloud(congvan: Program, desk: Desk) -> None:
    nothing_to_ask = ("--trust", desk.trust, "--practice", "--level", "B-B")
    refused = congvan("sign", desk.document, *desk.with_key, *nothing_to_ask, "--json")
    assert (refused.code, refused.reason) == (5, "REVOCATION_UNKNOWN")
    accepted = congvan(
        *("sign", desk.document, *desk.with_key, *nothing_to_ask),
        *("--accept-unknown-revocation", "--json"),
    )
    assert accepted.code == 0
    assert "--accept-unknown-revocation" in accepted.err


def test_a_stopped_time_stamping_service_leaves_no_file_and_no_silent_b_b(
    congvan: Program, desk: Desk
) -> None:
    nobody = "http://127.0.0.1:9/tsa"
    refused = congvan(
        "sign", desk.document, *desk.with_key, *desk.trusting, "--tsa", nobody, "--json"
    )
    assert refused.code == 9
    assert refused.lines[0]["reason"] == "TSA_UNAVAILABLE"
    assert _left(desk) == []


def test_of_several_files_each_is_told_and_a_part_gives_exit_code_6(
    congvan: Program, desk: Desk
) -> None:
    bad = desk.directory / "not.pdf"
    bad.write_text("not a PDF")
    out = desk.directory / "out"
    out.mkdir()
    files = (desk.document, bad, desk.directory / "missing.pdf")
    ran = congvan("sign", *files, *desk.signing, "--out", out, "--json")
    assert ran.code == 6
    told = ran.files
    assert told["cong-van.pdf"]["outcome"] == "done"
    assert told["not.pdf"]["reason"] == "NOT_A_PDF"
    assert told["missing.pdf"]["reason"] == "FILE_UNREADABLE"
    again = congvan("sign", desk.document, bad, *desk.signing, "--out", out)
    assert "ALREADY_SIGNED" in again.out


@pytest.mark.parametrize(
    "wrong",
    [
        ("--box", "1,2,3,4,5"),
        ("--line", "text", "--box", "1,2,3"),
        ("--line", "text"),
        ("--level", "B-XL"),
        ("--scheme", "RSA-PSS/md5"),
        ("--tsa", "http://[half"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(
    congvan: Program, desk: Desk, wrong: tuple[str, ...]
) -> None:
    refused = congvan("sign", desk.document, *desk.with_key, *desk.trusting, *wrong, "--json")
    assert (refused.code, refused.reason) == (2, "USAGE_INVALID")


def test_a_practice_key_is_refused_where_practice_is_not_allowed(
    congvan: Program, desk: Desk
) -> None:
    refused = congvan("sign", desk.document, *desk.with_key, "--trust", desk.trust, "--json")
    assert (refused.code, refused.reason) == (2, "TRUST_STORE_INVALID")


def _left(desk: Desk) -> list[str]:
    known = {"cong-van.pdf", "leader.p12", "passphrase", "trust", "config"}
    return [path.name for path in desk.directory.iterdir() if path.name not in known]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("level", ["B-LT", "B-LTA"])
def test_the_levels_for_the_archive_are_reached(congvan: Program, desk: Desk, level: str) -> None:
    signed = congvan("sign", desk.document, *desk.signing, "--level", level, "--json")
    assert signed.code == 0, signed.out
    target = desk.directory / "cong-van_daky.pdf"
    verified = congvan("verify", target, *desk.trusting, "--json")
    assert verified.code == 0, verified.out
    assert verified.document["signatures"][0]["level"] == level


def test_the_scheme_is_the_one_that_is_asked_for(congvan: Program, desk: Desk) -> None:
    wanted = ("--level", "B-B", "--scheme", "RSA-PKCS1/sha512")
    assert congvan("sign", desk.document, *desk.signing, *wanted).code == 0
    target = desk.directory / "cong-van_daky.pdf"
    [signature] = congvan("verify", target, *desk.trusting, "--json").document["signatures"]
    assert "512" in signature["algorithm"].replace("-", "")
    other = ("--level", "B-B", "--scheme", "ECDSA/sha256", "--out", desk.directory / "x.pdf")
    refused = congvan("sign", desk.document, *desk.signing, *other, "--json")
    assert (refused.code, refused.lines[0]["reason"]) == (3, "KEY_UNSUPPORTED")


def test_what_may_change_afterwards_is_what_certification_and_lock_say(
    congvan: Program, desk: Desk
) -> None:
    certified = congvan("sign", desk.document, *desk.signing, "--certify", "2", "--json")
    assert certified.code == 0, certified.err
    target = desk.directory / "cong-van_daky.pdf"
    again = congvan("sign", target, *desk.signing, "--certify", "1", "--json")
    [entry] = again.files.values()
    assert (entry["outcome"], entry["reason"]) == ("failed", "CHANGES_FORBIDDEN")
    locked = desk.directory / "locked.pdf"
    signed = congvan("sign", target, *desk.signing, "--lock", "all", "--out", locked, "--json")
    assert signed.code == 0, signed.err
    verified = congvan("verify", locked, *desk.trusting, "--json")
    assert verified.code == 0, verified.out
    assert b"/DocMDP" in target.read_bytes()
    assert b"/FieldMDP" in locked.read_bytes()
