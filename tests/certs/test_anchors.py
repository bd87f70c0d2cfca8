"""Trust anchors and stores never change; what is derived is new."""

from __future__ import annotations

import dataclasses
import pickle
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.errors import TrustStoreInvalid
from certs.trust.anchors import AnchorClass, AnchorRole, Block, TrustAnchor, TrustStore, is_practice
from tests.certs.forging import NOW, Pair, root
from tests.support.unmarked import unmarked

ROOTS = [root(f"Root {number}") for number in range(3)]


def anchors() -> st.SearchStrategy[TrustAnchor]:
    instants = st.integers(-1000, 1000).map(lambda hours: NOW + timedelta(hours=hours))
    return st.builds(
        lambda pair, roles, blocks, start, hours: TrustAnchor(
            certificate=pair.certificate,
            roles=roles,
            blocks=blocks,
            valid_from=start,
            valid_until=start + timedelta(hours=hours),
            practice=True,
        ),
        st.sampled_from(ROOTS),
        st.frozensets(st.sampled_from(AnchorRole), min_size=1),
        st.frozensets(st.sampled_from(Block), min_size=1),
        instants,
        st.integers(1, 5000),
    )


stores = st.lists(anchors(), max_size=4).map(lambda found: TrustStore(anchors=tuple(found)))


@settings(max_examples=40, deadline=None)
@given(stores, anchors())
def test_including_an_anchor_leaves_the_parent_as_it_was(
    store: TrustStore, anchor: TrustAnchor
) -> None:
    before, version = store.anchors, store.version
    derived = store.including(anchor)
    assert anchor in derived.anchors
    assert store.anchors == before
    assert store.version == version
    assert (derived.version == version) == (anchor in before)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.lists(anchors(), max_size=4))
def test_the_version_depends_on_the_content_and_not_on_the_order(
    data: st.DataObject, found: list[TrustAnchor]
) -> None:
    turned = data.draw(st.permutations(found))
    assert TrustStore(anchors=tuple(found)).version == TrustStore(anchors=tuple(turned)).version


@settings(max_examples=40, deadline=None)
@given(stores)
def test_a_store_crosses_to_another_process_unchanged(store: TrustStore) -> None:
    arrived = pickle.loads(pickle.dumps(store))
    assert arrived == store
    assert arrived.version == store.version


@settings(max_examples=40, deadline=None)
@given(stores, st.sampled_from(AnchorRole), st.sampled_from(Block), st.integers(-2000, 6000))
def test_an_anchor_counts_only_for_its_role_block_and_window(
    store: TrustStore, role: AnchorRole, block: Block, hours: int
) -> None:
    at = NOW + timedelta(hours=hours)
    counted = store.anchors_for(role, at=at, block=block)
    for anchor in store.anchors:
        expected = (
            role in anchor.roles
            and block in anchor.blocks
            and anchor.valid_from <= at <= anchor.valid_until
        )
        assert (anchor in counted) == expected


def test_a_list_given_to_a_store_is_not_shared_with_it() -> None:
    shared = [ROOTS[0].anchor()]
    store = TrustStore(anchors=shared)  # type: ignore[arg-type]
    shared.append(ROOTS[1].anchor())
    assert len(store.anchors) == 1


def test_a_store_and_an_anchor_refuse_assignment() -> None:
    store = ROOTS[0].store()
    with pytest.raises(dataclasses.FrozenInstanceError):
        store.anchors = ()  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        store.anchors[0].practice = False  # type: ignore[misc]


@pytest.mark.parametrize(
    "wrong",
    [
        {"roles": frozenset()},
        {"blocks": frozenset()},
        {"valid_until": NOW - timedelta(days=2000)},
        {"valid_from": NOW.replace(tzinfo=None)},
        {"practice": False},
        {"anchor_class": AnchorClass.CONG_VU},
    ],
)
def test_an_anchor_checks_itself(wrong: dict[str, object]) -> None:
    with pytest.raises(TrustStoreInvalid):
        dataclasses.replace(ROOTS[0].anchor(), **wrong)  # type: ignore[arg-type]


def test_every_practice_certificate_bears_the_mark() -> None:
    leaf: Pair = ROOTS[0].issue("leaf")
    assert is_practice(ROOTS[0].certificate)
    assert is_practice(leaf.certificate)


def test_a_practice_anchor_has_the_class_practice_without_saying_so() -> None:
    assert ROOTS[0].anchor().anchor_class is AnchorClass.PRACTICE


def test_the_class_is_part_of_the_version_and_crosses_to_another_process() -> None:
    unstated, official = (
        TrustStore(anchors=(dataclasses.replace(unmarked().anchor(), anchor_class=each),))
        for each in (AnchorClass.UNSTATED, AnchorClass.CONG_VU)
    )
    assert unstated.version != official.version
    arrived = pickle.loads(pickle.dumps(official))
    assert arrived == official
    assert arrived.anchors[0].anchor_class is AnchorClass.CONG_VU


def test_only_a_practice_anchor_has_the_class_practice() -> None:
    with pytest.raises(TrustStoreInvalid, match="PRACTICE"):
        dataclasses.replace(unmarked().anchor(), anchor_class=AnchorClass.PRACTICE)
