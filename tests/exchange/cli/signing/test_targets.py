"""Which files a call means: files, folders, patterns; what is passed over; where results go."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from exchange.cli.errors import NothingToSign, OutputExists, UsageInvalid
from exchange.cli.signing.outcomes import OWN_OUTPUT, SAME_DOCUMENT
from exchange.cli.signing.targets import Target, Wanted, plan_targets


def planned(*paths: object, **others: object) -> tuple[Target, ...]:
    wanted = Wanted(
        paths=tuple(str(path) for path in paths),
        **{"suffix": "_daky", **others},  # type: ignore[arg-type]
    )
    return plan_targets(wanted).targets


def names(targets: tuple[Target, ...]) -> list[str]:
    return [each.file.name for each in targets]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three documents, one of them further down, and what is none."""
    place = tmp_path / "Công văn đi"
    (place / "tháng 11").mkdir(parents=True)
    for name in ("10.pdf", "2.PDF", "ghi chú.txt", ".ẩn.pdf", "tháng 11/3.pdf"):
        (place / name).write_bytes(b"%PDF-")
    return place


def test_a_folder_means_its_pdf_files_in_the_order_people_count(folder: Path) -> None:
    assert names(planned(folder)) == ["2.PDF", "10.pdf"]


def test_subfolders_are_looked_into_only_on_request(folder: Path) -> None:
    assert names(planned(folder, recursive=True)) == ["2.PDF", "10.pdf", "3.pdf"]


def test_a_quoted_pattern_means_what_the_shell_would_have_made_of_it(folder: Path) -> None:
    assert names(planned(folder / "*.pdf")) == ["10.pdf"]
    assert names(planned(folder / "**" / "*.pdf", recursive=True)) == ["10.pdf", "3.pdf"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder: Path) -> None:
    odd = folder / "báo cáo [1].pdf"
    odd.write_bytes(b"%PDF-")
    assert names(planned(odd)) == ["báo cáo [1].pdf"]


def test_results_lie_beside_or_mirror_the_folder_below_out(folder: Path, tmp_path: Path) -> None:
    [_, beside] = planned(folder)
    assert beside.output == folder / "10_daky.pdf"
    out = tmp_path / "out"
    out.mkdir()
    mirrored = planned(folder, recursive=True, out=out)
    assert [each.output.relative_to(out).as_posix() for each in mirrored] == [
        "2_daky.pdf",
        "10_daky.pdf",
        "tháng 11/3_daky.pdf",
    ]


@pytest.mark.parametrize("pattern", ["nowhere/*.pdf", "."])
def test_where_there_is_no_pdf_file_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NothingToSign, match=r"nowhere|\."):
        planned(pattern)


def test_the_same_file_twice_is_passed_over_also_by_another_name(folder: Path) -> None:
    link = folder / "cùng tệp.pdf"
    link.symlink_to(folder / "10.pdf")
    hard = folder / "cứng.pdf"
    os.link(folder / "10.pdf", hard)
    found = planned(folder / "10.pdf", folder / "10.pdf", link, hard)
    assert [each.passed_over for each in found] == ["", *[SAME_DOCUMENT] * 3]


def test_own_results_are_passed_over_in_a_folder_but_signed_when_named(folder: Path) -> None:
    (folder / "10_daky.pdf").write_bytes(b"%PDF-")
    marks = {each.file.name: each.passed_over for each in planned(folder)}
    assert marks == {"2.PDF": "", "10.pdf": "", "10_daky.pdf": OWN_OUTPUT}
    [named] = planned(folder / "10_daky.pdf")
    assert named.passed_over == ""
    assert named.output.name == "10_daky_daky.pdf"


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "vòng").symlink_to(folder)
    assert len(planned(folder, recursive=True)) == 3


def test_one_result_is_never_put_over_another_file(folder: Path) -> None:
    (folder / "10_daky.pdf").write_bytes(b"")
    with pytest.raises(OutputExists):
        planned(folder / "10.pdf")
    with pytest.raises(OutputExists):
        planned(folder / "10.pdf", out=folder / "2.PDF")


def test_a_folder_that_is_not_there_can_not_take_several_results(folder: Path) -> None:
    with pytest.raises(UsageInvalid, match="existing folder"):
        planned(folder, out=folder / "chưa có")


@pytest.mark.parametrize("suffix", ["", "a/b", "../x"])
def test_an_ending_stays_within_the_name(folder: Path, suffix: str) -> None:
    with pytest.raises(UsageInvalid):
        planned(folder, suffix=suffix)


def test_a_name_that_leads_nowhere_stays_to_fail_in_its_turn(folder: Path) -> None:
    assert names(planned(folder / "10.pdf", folder / "mất.pdf")) == ["10.pdf", "mất.pdf"]


def test_what_may_not_be_looked_at_stays_to_fail_in_its_turn(tmp_path: Path) -> None:
    closed = tmp_path / "đóng"
    closed.mkdir(mode=0)
    with contextlib.ExitStack() as stack:
        if os.geteuid() == 0:
            # Root may look everywhere: for a moment this is somebody else.
            os.seteuid(65534)
            stack.callback(os.seteuid, 0)
        [target] = planned(closed / "a.pdf")
        assert target.passed_over == ""
