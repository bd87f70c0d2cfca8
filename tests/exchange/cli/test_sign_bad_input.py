"""Bad input to signing: each has its reason, exit code and sentences, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from certs.keys.file import load_pkcs12
from exchange.texts import LANGUAGES, sentence
from signer.creation.requests import Level, Permission, SigningRequest
from signer.creation.signing import sign
from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program, Ran
from tests.support import pdfs
from tests.support.failing_tsa import failing_tsa
from tests.support.practice import PASSPHRASE, utc_now

NO_PAGES = pdfs.assemble(
    [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"]
)

DOCUMENTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "NOT_A_PDF"),
    "text": ("Công văn".encode, "NOT_A_PDF"),
    "torn": (lambda: pdfs.one_page()[:400], "DOCUMENT_TRUNCATED"),
    "password": (lambda: pdfs.encrypted(pdfs.one_page()), "DOCUMENT_ENCRYPTED"),
    "no pages": (lambda: NO_PAGES, "PLACEMENT_INVALID"),
    "scribble": (lambda: b"%PDF-1.7\n" + bytes(2000) + b"%%EOF\n", "DOCUMENT_MALFORMED"),
}


def at_b_b(desk: Desk) -> tuple[object, ...]:
    return (*desk.with_key, *desk.trusting, "--level", "B-B")


def left(desk: Desk) -> set[str]:
    return {path.name for path in desk.directory.iterdir()}


def tells(congvan: Program, desk: Desk, *arguments: object, reason: str, code: int) -> Ran:
    """Run it for programs and for people: same reason, same code, both languages, no new file."""
    before = left(desk)
    ran = congvan(*arguments, "--json")
    assert ran.code == code, ran.out + ran.err
    last = [line for line in ran.lines if "summary" not in line][-1]
    assert last.get("error", last)["reason"] == reason
    people = congvan(*arguments)
    assert people.code == code
    said = " ".join((people.out + people.err).split())
    for language in LANGUAGES:
        assert " ".join(sentence(reason, language).split()) in said
    assert "Traceback" not in said
    assert left(desk) == before
    return ran


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_that_can_not_be_signed(congvan: Program, desk: Desk, kind: str) -> None:
    make, reason = DOCUMENTS[kind]
    desk.document.write_bytes(make())
    place = ("--line", "Ký", "--box", "1,30,30,60,20")
    code = 2 if reason == "PLACEMENT_INVALID" else 3
    tells(congvan, desk, "sign", desk.document, *at_b_b(desk), *place, reason=reason, code=code)


def signed(desk: Desk, **wishes: object) -> bytes:
    key = load_pkcs12(desk.key.read_bytes(), PASSPHRASE)
    request = SigningRequest(level=Level.B_B, signed_at=utc_now(), **wishes)  # type: ignore[arg-type]
    return asyncio.run(sign(pdfs.one_page(), key=key, request=request))


@pytest.mark.parametrize(
    ("wishes", "options", "reason", "code"),
    [
        ({"certification": Permission.NO_CHANGES}, (), "CHANGES_FORBIDDEN", 3),
        ({"field_name": "Ky"}, ("--field", "Ky"), "FIELD_EXISTS", 2),
    ],
)
def test_a_document_whose_signature_forbids_this_one(
    congvan: Program,
    desk: Desk,
    wishes: dict[str, object],
    options: tuple[str, ...],
    reason: str,
    code: int,
) -> None:
    desk.document.write_bytes(signed(desk, **wishes))
    tells(congvan, desk, "sign", desk.document, *at_b_b(desk), *options, reason=reason, code=code)


def test_a_picture_that_is_none(congvan: Program, desk: Desk) -> None:
    for content in (b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(40)):
        (desk.directory / "dau.png").write_bytes(content)
        place = ("--picture", desk.directory / "dau.png", "--box", "1,30,30,60,20")
        command = ("sign", desk.document, *at_b_b(desk), *place)
        tells(congvan, desk, *command, reason="PICTURE_UNREADABLE", code=2)
    gone = ("--picture", desk.directory / "mất.png", "--box", "1,30,30,60,20")
    command = ("sign", desk.document, *at_b_b(desk), *gone)
    tells(congvan, desk, *command, reason="FILE_UNREADABLE", code=3)


@pytest.mark.parametrize("kind", ["missing", "pipe", "dangling link", "loop"])
def test_a_name_that_leads_to_no_file(congvan: Program, desk: Desk, kind: str) -> None:
    file = desk.directory / "vào.pdf"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind != "missing":
        file.symlink_to("vào.pdf" if kind == "loop" else "nowhere.pdf")
    tells(congvan, desk, "sign", file, *at_b_b(desk), reason="FILE_UNREADABLE", code=3)


def test_a_folder_without_pdf_files(congvan: Program, desk: Desk) -> None:
    empty = desk.directory / "trống"
    empty.mkdir()
    for path in (empty, empty / "*.pdf"):
        tells(congvan, desk, "sign", path, *at_b_b(desk), reason="NOTHING_TO_SIGN", code=2)


def test_an_output_folder_that_is_missing_or_takes_nothing(congvan: Program, desk: Desk) -> None:
    other = desk.directory / "khác.pdf"
    other.write_bytes(pdfs.one_page())
    several = ("sign", desk.document, other, *at_b_b(desk))
    nowhere = desk.directory / "chưa có"
    tells(congvan, desk, *several, "--out", nowhere, reason="USAGE_INVALID", code=2)
    within = nowhere / "x.pdf"
    one = ("sign", desk.document, *at_b_b(desk), "--out", within)
    tells(congvan, desk, *one, reason="OUTPUT_UNWRITABLE", code=3)
    # No account may write here, root neither.
    tells(congvan, desk, *several, "--out", "/proc/self", reason="JOURNAL_UNUSABLE", code=3)
    in_proc = ("sign", desk.document, *at_b_b(desk), "--out", "/proc/self")
    tells(congvan, desk, *in_proc, reason="OUTPUT_UNWRITABLE", code=3)


def test_names_with_blanks_diacritics_and_great_length(congvan: Program, desk: Desk) -> None:
    names = [
        "Công văn số 09 (bản chính).pdf",
        "Quyết định.PDF",
        "-rf.pdf",
        "a" * 240 + ".pdf",
        "e\u0302\u0301.pdf",
        "[1] *.pdf",
        "dòng\nmới.pdf",
    ]
    folder = desk.directory / "tên"
    folder.mkdir()
    for number, name in enumerate(names):
        (folder / name).write_bytes(pdfs.one_page(f"Document {number}"))
    ran = congvan("sign", folder, *at_b_b(desk), "--json")
    outcomes = {name: each["outcome"] for name, each in ran.files.items()}
    assert outcomes == dict.fromkeys(names, "done")
    too_long = "b" * 251 + ".pdf"
    (folder / too_long).write_bytes(pdfs.one_page("Another"))
    again = congvan("sign", folder, *at_b_b(desk), "--json")
    assert again.code == 6
    assert again.files[too_long]["reason"] == "OUTPUT_UNWRITABLE"
    shown = congvan("sign", folder, *at_b_b(desk)).out
    # The name's own line break is shown as a mark, wherever the table folds the name.
    assert "\N{REPLACEMENT CHARACTER}" in shown


def test_a_link_is_signed_as_what_it_leads_to(congvan: Program, desk: Desk) -> None:
    link = desk.directory / "liên kết.pdf"
    link.symlink_to(desk.document)
    ran = congvan("sign", link, *at_b_b(desk), "--json")
    assert ran.code == 0
    assert (
        (desk.directory / "liên kết_daky.pdf").read_bytes().startswith(desk.document.read_bytes())
    )
    assert link.is_symlink()


def test_the_same_file_twice_is_signed_once(congvan: Program, desk: Desk) -> None:
    copy = desk.directory / "bản sao.pdf"
    copy.write_bytes(desk.document.read_bytes())
    ran = congvan("sign", desk.document, desk.document, copy, *at_b_b(desk), "--json")
    assert ran.code == 0
    reasons = [line["reason"] for line in ran.lines if "file" in line]
    assert reasons == ["", "SAME_DOCUMENT", "SAME_DOCUMENT"]


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """Let no file grow beyond this: what a full disk does, on every account."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_midway_leaves_whole_files_only_and_the_run_goes_on_later(
    congvan: Program, desk: Desk
) -> None:
    folder = desk.directory / "đi"
    folder.mkdir()
    for name, size in (("1.pdf", 5_000), ("2.pdf", 200_000), ("3.pdf", 6_000)):
        (folder / name).write_bytes(pdfs.one_page_of_size(size, seed=size))
    with files_of_at_most(100_000):
        ran = congvan("sign", folder, *at_b_b(desk), "--json")
    assert ran.code == 6
    assert ran.files["2.pdf"]["reason"] == "OUTPUT_UNWRITABLE"
    assert sorted(path.name for path in folder.glob("*_daky*")) == ["1_daky.pdf", "3_daky.pdf"]
    again = congvan("sign", folder, *at_b_b(desk), "--json")
    assert again.code == 0
    assert again.files["2.pdf"]["outcome"] == "done"
    assert again.files["1.pdf"]["reason"] == "ALREADY_SIGNED"


@pytest.mark.mounts
def test_a_full_disk_leaves_whole_files_only(congvan: Program, desk: Desk) -> None:
    folder = desk.directory / "đĩa"
    folder.mkdir()
    subprocess.run(["mount", "-ttmpfs", "-osize=300k", "tmpfs", folder], check=True)
    try:
        for number in range(1, 4):
            (folder / f"{number}.pdf").write_bytes(pdfs.one_page_of_size(60_000, seed=number))
        ran = congvan("sign", folder, *at_b_b(desk), "--json")
        reasons = [each["reason"] for each in ran.files.values()]
        assert ran.code in (3, 6)
        assert "OUTPUT_UNWRITABLE" in reasons or "JOURNAL_UNUSABLE" in reasons
        whole = {each["output"] for each in ran.files.values() if each["outcome"] == "done"}
        assert {str(path) for path in folder.glob("*_daky*")} == whole
        assert all(Path(each).read_bytes().rstrip().endswith(b"%%EOF") for each in whole)
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_document_that_changes_while_it_is_signed_is_not_kept(
    congvan: Program, desk: Desk
) -> None:
    def change(_: int) -> None:
        content = desk.document.read_bytes()
        desk.document.write_bytes(content.replace(b"%PDF-1.", b"%PDF-2.", 1))

    with failing_tsa(desk.practice.tsa_url, answers=9, before=change) as tsa:
        stamping = (*desk.with_key, *desk.trusting, "--tsa", tsa.url)
        ran = congvan("sign", desk.document, *stamping, "--json")
    assert ran.code == 3
    assert ran.lines[0]["reason"] == "FILE_CHANGED"
    assert not (desk.directory / "cong-van_daky.pdf").exists()


def test_a_slow_time_stamping_service_is_waited_for(congvan: Program, desk: Desk) -> None:
    with failing_tsa(desk.practice.tsa_url, answers=9, before=lambda _: time.sleep(2.5)) as tsa:
        stamping = (*desk.with_key, *desk.trusting, "--tsa", tsa.url)
        assert congvan("sign", desk.document, *stamping).code == 0


def test_a_level_above_b_b_without_a_time_stamping_service(congvan: Program, desk: Desk) -> None:
    command = ("sign", desk.document, *desk.with_key, *desk.trusting)
    tells(congvan, desk, *command, reason="TIMESTAMPER_MISSING", code=2)


def test_without_any_key_the_ways_to_name_one_are_told(congvan: Program, desk: Desk) -> None:
    tells(congvan, desk, "sign", desk.document, *desk.trusting, reason="KEY_UNNAMED", code=2)
