"""./dev fuzz: mutants that were made without a key, and the oracle that knows what is genuine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import fuzz
from bench.fuzz_oracle import Genuine, seen_pages, signed_acts
from bench.fuzz_seeds import Seed, Trusted, seeds
from bench.fuzzing import Examiner, Tally, Trouble, mutant
from signer.validation.assessing import assess
from signer.verdicts import Verdict
from tests.support import attacks
from tests.support.practice import utc_now

MUTANTS = 150


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[Seed, ...], Trusted]:
    return seeds(tmp_path_factory.mktemp("fuzz") / "authority")


def test_no_mutant_of_a_signed_document_passes_for_what_it_is_not(
    planted: tuple[tuple[Seed, ...], Trusted],
) -> None:
    tally = Examiner(*planted).examine(range(MUTANTS), run=7)
    assert [each.what for each in tally.troubles if each.fatal] == []
    assert tally.ways.total() == MUTANTS
    # All ways were gone, and something harmless was accepted: else nothing was tried.
    assert len(tally.ways) >= 9
    assert 0 < tally.accepted.total() < MUTANTS / 2


def test_documents_to_start_from_are_valid_so_that_only_the_damage_can_fail_them(
    planted: tuple[tuple[Seed, ...], Trusted],
) -> None:
    made, trusted = planted
    verdicts = {
        each.name: assess(
            each.content, store=trusted.store, evidence=trusted.evidence, at=utc_now()
        ).verdict
        for each in made
    }
    assert set(verdicts.values()) == {Verdict.VALID}, verdicts
    assert {"own B-B", "own B-LTA", "office", "plain B-B", "certified"} <= verdicts.keys()


def test_the_same_index_gives_the_same_mutant_and_another_run_another(
    planted: tuple[tuple[Seed, ...], Trusted],
) -> None:
    made, _ = planted
    one = [mutant(index, run=1, seeds=made).content for index in range(20)]
    assert one == [mutant(index, run=1, seeds=made).content for index in range(20)]
    assert one != [mutant(index, run=2, seeds=made).content for index in range(20)]


def test_the_oracle_sees_other_words_on_a_page_and_signatures_that_nobody_made(
    planted: tuple[tuple[Seed, ...], Trusted],
) -> None:
    (first, *_), _ = planted
    genuine = Genuine((first,))
    assert genuine.fault(first.content, signatures=1) == ""
    altered = attacks.with_replaced_content(first.content)
    assert signed_acts(altered).keys() == signed_acts(first.content).keys()
    assert genuine.fault(altered, signatures=1) == "a reader sees something else"
    at = first.content.index(b"1.000.000")
    forged = first.content[:at] + b"9" + first.content[at + 1 :]
    assert "0 ever made" in genuine.fault(forged, signatures=1)
    assert seen_pages(b"%PDF-1.7\n") == ()


def test_the_command_counts_what_became_of_the_mutants(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["--mutants", "12", "--seed", "3", "--without-corpus", "--json"]
    assert fuzz.main(arguments) == fuzz.EXIT_HELD
    counted = json.loads(capsys.readouterr().out)
    assert (counted["mutants"], counted["fooled"], counted["seed"]) == (12, 0, 3)
    assert sum(counted["verdicts"].values()) == 12


@pytest.mark.parametrize("fatal", [False, True])
def test_only_what_must_not_happen_fails_the_command_and_all_of_it_is_kept(
    planted: tuple[tuple[Seed, ...], Trusted], tmp_path: Path, *, fatal: bool
) -> None:
    made = mutant(5, run=1, seeds=planted[0])
    tally = Tally(troubles=[Trouble(mutant=made, what="something else", fatal=fatal)])
    assert fuzz.exit_code(tally) == (fuzz.EXIT_FOOLED if fatal else fuzz.EXIT_HELD)
    assert f"{'!' if fatal else ' '} 5 {made.way}" in fuzz.as_text(
        fuzz.to_json(tally, run=1, seconds=0)
    )
    fuzz.keep(tally.troubles, tmp_path / "kept")
    [original] = (tmp_path / "kept").glob("*.original.pdf")
    assert original.read_bytes() == made.seed.content
