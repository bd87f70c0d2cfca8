"""Changing the trust directory: whole or not at all, one after another, and never forgotten."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from certs.errors import TrustStoreInvalid
from certs.trust.anchors import AnchorClass, TrustAnchor
from certs.trust.changes import HISTORY, TrustAct, changing
from certs.trust.files import INDEX, PENDING, load_trust_store, read_trust_directory
from tests.certs.dying import died_at_every_step
from tests.certs.forging import NOW, root
from tests.support.unmarked import unmarked

ROOTS = [unmarked(f"Root {number}").anchor() for number in range(3)]
PRACTICE = root().anchor()
CHANGE = ("tests.certs.test_trust_changes", "change")


def change(directory: Path, changes: Sequence[tuple[str, TrustAnchor | None]]) -> None:
    """The change that dies in the middle."""
    with changing(directory, at=NOW) as changed:
        for file, anchor in changes:
            if anchor is None:
                changed.remove(file)
            else:
                changed.put(file, anchor)


def put(directory: Path, **anchors: TrustAnchor) -> None:
    with changing(directory, at=NOW) as change:
        for name, anchor in anchors.items():
            change.put(f"{name}.crt", anchor)


def history(directory: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (directory / HISTORY).read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    "changes",
    [
        [("second.crt", ROOTS[1]), ("third.crt", ROOTS[2])],
        [("first.crt", None), ("second.crt", ROOTS[1])],
        [("first.crt", replace(ROOTS[0], anchor_class=AnchorClass.CONG_CONG))],
    ],
    ids=["added", "removed and added", "changed"],
)
def test_a_crash_at_any_step_leaves_the_store_before_or_after_and_the_next_change_tidies_up(
    changes: list[tuple[str, TrustAnchor | None]], tmp_path: Path
) -> None:
    put(tmp_path / "before", first=ROOTS[0])
    before = {"first.crt": ROOTS[0]}
    after = {**before, **dict(changes)}
    expected = [before, {name: anchor for name, anchor in after.items() if anchor is not None}]
    died = died_at_every_step(tmp_path, CHANGE, changes)
    assert len(died) > 5
    seen = []
    for directory in died:
        found = read_trust_directory(directory)
        assert found.anchors in expected
        assert not found.strays
        assert load_trust_store(directory).anchors == tuple(found.anchors.values())
        seen.append(expected.index(dict(found.anchors)))
        put(directory, later=ROOTS[2])
        tidied = read_trust_directory(directory)
        assert (tidied.strays, tidied.unfinished) == ((), ())
        assert tidied.anchors == {**found.anchors, "later.crt": ROOTS[2]}
        assert not (directory / PENDING).exists()
    assert seen == sorted(seen)
    assert set(seen) == {0, 1}


def test_another_certificate_under_a_name_never_meets_the_roles_of_the_one_before(
    tmp_path: Path,
) -> None:
    put(tmp_path / "before", first=ROOTS[0])
    stranger = replace(unmarked("Stranger").anchor(), anchor_class=AnchorClass.FOREIGN)
    for directory in died_at_every_step(tmp_path, CHANGE, [("first.crt", stranger)]):
        anchors = list(read_trust_directory(directory).anchors.values())
        assert anchors in ([ROOTS[0]], [], [stranger])


def test_changes_at_the_same_time_lose_nothing_and_readers_see_whole_stores(
    tmp_path: Path,
) -> None:
    put(tmp_path, first=ROOTS[0])
    names = [f"root-{writer}-{number}" for writer in range(4) for number in range(4)]
    with ThreadPoolExecutor(5) as pool:
        writing = [pool.submit(put, tmp_path, **{name: ROOTS[1]}) for name in names]
        while not all(each.done() for each in writing):
            assert len(load_trust_store(tmp_path).anchors) >= 1
        for each in writing:
            each.result()
    assert set(read_trust_directory(tmp_path).anchors) == {
        "first.crt",
        *(f"{name}.crt" for name in names),
    }


def test_anchors_come_and_go_while_others_read(tmp_path: Path) -> None:
    put(tmp_path, first=ROOTS[0])

    def come_and_go() -> None:
        for _ in range(10):
            put(tmp_path, second=ROOTS[1])
            with changing(tmp_path, at=NOW) as change:
                change.remove("second.crt")

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(come_and_go)
        while not writing.done():
            found = read_trust_directory(tmp_path)
            assert not found.strays
            assert set(found.anchors) in ({"first.crt"}, {"first.crt", "second.crt"})
        writing.result()


def test_the_history_keeps_every_act_with_the_certificate(tmp_path: Path) -> None:
    put(tmp_path, first=ROOTS[0])
    put(tmp_path, first=replace(ROOTS[0], valid_until=ROOTS[0].valid_until - timedelta(days=9)))
    with changing(tmp_path, at=NOW) as change:
        change.remove("first.crt")
    told = history(tmp_path)
    assert [each["act"] for each in told] == [TrustAct.ADDED, TrustAct.CHANGED, TrustAct.REMOVED]
    assert all(each["at"] == NOW.isoformat() for each in told)
    assert all("BEGIN CERTIFICATE" in each["certificate"] for each in told)
    assert load_trust_store(tmp_path).anchors == ()


def test_a_change_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    put(tmp_path, first=ROOTS[0])
    before = {each.name: each.stat().st_mtime_ns for each in tmp_path.iterdir()}
    put(tmp_path, first=ROOTS[0])
    assert {each.name: each.stat().st_mtime_ns for each in tmp_path.iterdir()} == before


def test_an_error_in_the_middle_of_a_change_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    put(tmp_path, first=ROOTS[0])
    with pytest.raises(ZeroDivisionError), changing(tmp_path, at=NOW) as change:
        change.put("second.crt", ROOTS[1])
        _ = 1 // 0
    assert load_trust_store(tmp_path).anchors == (ROOTS[0],)


@pytest.mark.parametrize("content", [b"{", b'{"a": 1}', b"[1]"])
def test_a_damaged_note_of_an_unfinished_change_trusts_nobody(
    content: bytes, tmp_path: Path
) -> None:
    put(tmp_path, first=ROOTS[0])
    (tmp_path / PENDING).write_bytes(content)
    with pytest.raises(TrustStoreInvalid):
        load_trust_store(tmp_path)


def test_a_store_that_is_broken_is_not_changed(tmp_path: Path) -> None:
    put(tmp_path, first=ROOTS[0])
    (tmp_path / INDEX).write_text("[[anchor")
    with pytest.raises(TrustStoreInvalid):
        put(tmp_path, second=ROOTS[1])


def test_practice_never_comes_into_a_real_store_nor_a_real_anchor_among_practice(
    tmp_path: Path,
) -> None:
    for place, first, second in (("real", ROOTS[0], PRACTICE), ("practice", PRACTICE, ROOTS[0])):
        put(tmp_path / place, first=first)
        with pytest.raises(TrustStoreInvalid, match="never share"):
            put(tmp_path / place, second=second)
        assert set(read_trust_directory(tmp_path / place).anchors) == {"first.crt"}


def test_a_store_that_was_mixed_by_hand_can_be_put_right(tmp_path: Path) -> None:
    put(tmp_path, first=ROOTS[0])
    put(tmp_path / "other", practice=PRACTICE)
    shutil.copy(tmp_path / "other" / "practice.crt", tmp_path)
    with (tmp_path / INDEX).open("a") as index:
        index.write("\n" + (tmp_path / "other" / INDEX).read_text())
    with changing(tmp_path, at=NOW) as change:
        change.remove("practice.crt")
    assert load_trust_store(tmp_path).anchors == (ROOTS[0],)
