"""The summary in CSV: opens with its letters whole, runs no formulas, loses no row."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from exchange.cli.errors import OutputExists
from exchange.cli.output import Output
from exchange.cli.signing.outcomes import Outcome, Result
from exchange.cli.signing.summary import COLUMNS, harmless, write_summary

OUTCOMES = (
    Outcome(file="Quyết định.pdf", outcome=Result.DONE, output="Quyết định_daky.pdf"),
    Outcome(file='=cmd|"x",1.pdf', outcome=Result.FAILED, reason="NOT_A_PDF", detail="a\nb"),
)


def test_it_opens_in_a_spreadsheet_with_its_letters_and_without_formulas(tmp_path: Path) -> None:
    path = tmp_path / "tổng hợp.csv"
    write_summary(path, OUTCOMES, output=Output(as_json=False, language="vi"))
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    heading, first, second = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert tuple(heading) == COLUMNS
    assert first[:3] == ["Quyết định.pdf", "done", "Quyết định_daky.pdf"]
    assert second[0] == '\'=cmd|"x",1.pdf'
    assert second[3] == "NOT_A_PDF"
    assert "PDF" in second[4]
    assert "\n" not in second[5]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "＝"])
def test_no_cell_begins_as_a_formula_does(start: str) -> None:
    assert not harmless(f"{start}1+1").startswith(("=", "+", "-", "@", "\t", "\r", "＝"))


def test_a_summary_is_never_written_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("mine")
    with pytest.raises(OutputExists):
        write_summary(path, OUTCOMES, output=Output(as_json=True))
    assert path.read_text() == "mine"
