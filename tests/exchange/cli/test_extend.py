"""Extending from the command line: levels, renewal, refusals, and what a re-run skips."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program


def levels(congvan: Program, file: Path, desk: Desk) -> list[str]:
    """The levels of a file's signatures, all valid without any network."""
    verified = congvan("verify", file, *desk.trusting, "--no-fetch", "--json")
    assert verified.code == 0, verified.out
    return [
        each["level"] for each in verified.document["signatures"] if each["kind"] != "DOC_TIMESTAMP"
    ]


@pytest.fixture
def signed(congvan: Program, desk: Desk) -> Path:
    made = congvan("sign", desk.document, *desk.signing, "--json")
    assert made.code == 0, made.err
    return desk.directory / "cong-van_daky.pdf"


def extending(desk: Desk) -> tuple[str, ...]:
    return (*desk.trusting, "--tsa", desk.practice.tsa_url, "--json")


@pytest.mark.parametrize("level", ["B-LT", "B-LTA"])
def test_a_signed_file_is_extended_into_a_new_file(
    congvan: Program, desk: Desk, signed: Path, level: str
) -> None:
    before = signed.read_bytes()
    done = congvan("extend", signed, "--level", level, *extending(desk))
    assert done.code == 0, done.err
    [entry] = done.files.values()
    target = desk.directory / "cong-van_daky_giahan.pdf"
    assert (entry["outcome"], entry["output"]) == ("done", str(target))
    assert signed.read_bytes() == before
    assert target.read_bytes().startswith(before)
    assert levels(congvan, target, desk) == [level]


def test_signing_goes_straight_to_the_archive_level(congvan: Program, desk: Desk) -> None:
    made = congvan("sign", desk.document, *desk.signing, "--level", "B-LTA", "--json")
    assert made.code == 0, made.err
    assert levels(congvan, desk.directory / "cong-van_daky.pdf", desk) == ["B-LTA"]


def test_what_is_archived_is_left_alone_until_its_renewal_is_asked_for(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    archived = desk.directory / "archived.pdf"
    assert congvan("extend", signed, "--out", archived, *extending(desk)).code == 0
    again = congvan("extend", archived, *extending(desk))
    assert again.code == 0
    [entry] = again.files.values()
    assert (entry["outcome"], entry["reason"]) == ("skipped", "ALREADY_AT_LEVEL")
    assert not list(desk.directory.glob("archived_*"))
    renewed = congvan("extend", archived, "--renew", "--digest", "sha512", *extending(desk))
    assert renewed.code == 0, renewed.err
    [target] = desk.directory.glob("archived_giahan-*.pdf")
    assert target.read_bytes().startswith(archived.read_bytes())
    assert levels(congvan, target, desk) == ["B-LTA"]


def test_an_existing_output_is_never_overwritten(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    target = desk.directory / "cong-van_daky_giahan.pdf"
    target.write_bytes(b"something of somebody's")
    refused = congvan("extend", signed, *extending(desk))
    assert (refused.code, refused.reason) == (3, "OUTPUT_EXISTS")
    assert target.read_bytes() == b"something of somebody's"


def test_of_a_folder_the_good_ones_are_extended_and_a_second_run_skips_them(
    congvan: Program, desk: Desk, signed: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    (folder / "good.pdf").write_bytes(signed.read_bytes())
    (folder / "unsigned.pdf").write_bytes(desk.document.read_bytes())
    at = signed.read_bytes().rindex(b"/ByteRange")
    broken = bytearray(signed.read_bytes())
    broken[at - 600] ^= 1
    (folder / "broken.pdf").write_bytes(broken)
    first = congvan("extend", folder, "--out", out, *extending(desk))
    assert first.code == 6
    told = {Path(name).name: entry for name, entry in first.files.items()}
    assert told["good.pdf"]["outcome"] == "done"
    assert told["unsigned.pdf"]["reason"] == "SIGNATURE_MISSING"
    assert told["broken.pdf"]["outcome"] == "failed"
    assert [each.name for each in out.glob("*.pdf")] == ["good_giahan.pdf"]
    second = congvan("extend", folder, "--out", out, *extending(desk))
    told = {Path(name).name: entry for name, entry in second.files.items()}
    assert (told["good.pdf"]["outcome"], told["good.pdf"]["reason"]) == (
        "skipped",
        "ALREADY_SIGNED",
    )


def test_without_evidence_nothing_is_written(
    congvan: Program,
    desk: Desk,
    signed: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("no-answers")))
    trusting = ("--trust", desk.trust, "--practice")
    refused = congvan("extend", signed, "--level", "B-LT", *trusting, "--json")
    [entry] = refused.files.values()
    assert (refused.code, entry["reason"]) == (5, "REVOCATION_UNKNOWN")
    assert not list(desk.directory.glob("*_giahan*"))


def test_without_a_time_stamping_service_the_archive_level_is_refused(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    refused = congvan("extend", signed, *desk.trusting, "--json")
    [entry] = refused.files.values()
    assert (refused.code, entry["reason"]) == (2, "TIMESTAMPER_MISSING")
    assert not list(desk.directory.glob("*_giahan*"))


@pytest.mark.parametrize(
    "options",
    [
        ("--level", "B-B"),
        ("--level", "B-XL"),
        ("--level", "B-LT", "--renew"),
        ("--digest", "md5"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(
    congvan: Program, desk: Desk, signed: Path, options: tuple[str, ...]
) -> None:
    refused = congvan("extend", signed, *options, *extending(desk))
    assert (refused.code, refused.reason) == (2, "USAGE_INVALID")
