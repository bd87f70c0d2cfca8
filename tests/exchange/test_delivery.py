"""The life cycle of a delivery: its tables, and the page of the documentation drawn from them."""

from itertools import product
from pathlib import Path

import pytest

from exchange.delivery import (
    OPEN_TO_REQUESTS,
    TRANSITIONS,
    DeliveryEvent,
    DeliveryState,
    Effect,
    PendingRequest,
    Transition,
    draw_life_cycle,
    next_state,
)
from exchange.envelope import BusinessKind, StatusCode
from exchange.errors import TransitionForbidden

S, C, P, B = DeliveryState, StatusCode, PendingRequest, BusinessKind
PAGE = Path(__file__).parent.parent.parent / "docs" / "delivery-life-cycle.md"
ENDS = (S.REFUSED, S.WITHDRAWN)
REQUESTS: dict[DeliveryEvent, PendingRequest] = {
    C.TAKE_BACK_ASKED: P.TAKE_BACK,
    B.RECALL: P.RECALL,
    B.UPDATE: P.UPDATE,
    B.REPLACE: P.REPLACE,
}


@pytest.mark.parametrize(
    "codes",
    [
        ["01", "03", "04", "05", "06"],
        ["03", "05", "06"],
        ["01", "03", "06"],
        ["01", "03", "04", "06"],
        ["01", "02"],
        ["02"],
    ],
)
def test_the_usual_ways_of_handling_lead_to_their_end(codes: list[str]) -> None:
    state = S.SENT
    for code in codes:
        transition = next_state(state, C(code))
        assert transition.effect is Effect.MOVED
        state = transition.state
    assert state is (S.REFUSED if codes[-1] == "02" else S.DONE)


def test_the_same_status_again_changes_nothing() -> None:
    for (start, code), to in TRANSITIONS.items():
        if to.effect is Effect.MOVED:
            assert next_state(to.state, code) == Transition(to.state, Effect.NOOP), (start, code)


@pytest.mark.parametrize("code", [C.ARRIVED, C.REFUSED, C.ACCEPTED, C.ASSIGNED, C.IN_PROGRESS])
def test_statuses_after_the_end_are_ignored(code: StatusCode) -> None:
    assert next_state(S.DONE, code) == Transition(S.DONE, Effect.IGNORED)
    assert next_state(S.WITHDRAWN, code) == Transition(S.WITHDRAWN, Effect.IGNORED)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (S.SENT, C.ASSIGNED),
        (S.SENT, C.DONE),
        (S.ARRIVED, C.IN_PROGRESS),
        (S.ACCEPTED, C.REFUSED),
        (S.IN_PROGRESS, C.REFUSED),
        (S.REFUSED, C.ACCEPTED),
        (S.REFUSED, C.DONE),
    ],
)
def test_a_step_that_does_not_fit_is_forbidden(state: DeliveryState, code: StatusCode) -> None:
    with pytest.raises(TransitionForbidden, match=state):
        next_state(state, code)


@pytest.mark.parametrize("event", REQUESTS)
def test_a_request_waits_beside_the_main_state(event: DeliveryEvent) -> None:
    for state in DeliveryState:
        if state in OPEN_TO_REQUESTS:
            asked = next_state(state, event)
            assert asked == Transition(state, Effect.ASKED, REQUESTS[event])
            again = next_state(state, event, pending=asked.pending)
            assert again == Transition(state, Effect.NOOP, REQUESTS[event])
        else:
            with pytest.raises(TransitionForbidden):
                next_state(state, event)


@pytest.mark.parametrize("pending", [P.TAKE_BACK, P.RECALL])
def test_an_agreed_recall_or_take_back_withdraws_the_delivery(pending: PendingRequest) -> None:
    for state in OPEN_TO_REQUESTS:
        assert next_state(state, C.AGREED, pending=pending) == Transition(
            S.WITHDRAWN, Effect.AGREED
        )
    assert next_state(S.WITHDRAWN, C.AGREED) == Transition(S.WITHDRAWN, Effect.NOOP)


@pytest.mark.parametrize("pending", [P.UPDATE, P.REPLACE])
def test_an_agreed_update_or_replacement_keeps_the_main_state(pending: PendingRequest) -> None:
    assert next_state(S.DONE, C.AGREED, pending=pending) == Transition(S.DONE, Effect.AGREED)


@pytest.mark.parametrize("pending", [p for p in P if p is not P.NONE])
def test_a_declined_request_leaves_everything_as_it_was(pending: PendingRequest) -> None:
    for state in OPEN_TO_REQUESTS:
        assert next_state(state, C.DECLINED, pending=pending) == Transition(state, Effect.DECLINED)


@pytest.mark.parametrize("code", [C.AGREED, C.DECLINED])
def test_an_answer_to_nothing_is_forbidden(code: StatusCode) -> None:
    for state in OPEN_TO_REQUESTS:
        with pytest.raises(TransitionForbidden):
            next_state(state, code)


def test_a_stronger_request_takes_the_place_of_a_weaker_one() -> None:
    assert next_state(S.ACCEPTED, B.RECALL, pending=P.UPDATE).pending is P.RECALL
    assert next_state(S.ACCEPTED, B.RECALL, pending=P.TAKE_BACK).pending is P.RECALL
    assert next_state(S.ACCEPTED, B.REPLACE, pending=P.UPDATE).pending is P.REPLACE
    for weaker in (B.UPDATE, B.REPLACE, C.TAKE_BACK_ASKED):
        with pytest.raises(TransitionForbidden):
            next_state(S.ACCEPTED, weaker, pending=P.RECALL)


def test_handling_goes_on_while_a_request_waits() -> None:
    moved = next_state(S.ACCEPTED, C.IN_PROGRESS, pending=P.UPDATE)
    assert moved == Transition(S.IN_PROGRESS, Effect.MOVED, P.UPDATE)
    refused = next_state(S.ARRIVED, C.REFUSED, pending=P.RECALL)
    assert refused == Transition(S.REFUSED, Effect.MOVED, P.NONE)


def test_every_state_event_and_request_has_one_outcome_and_ends_stay_ends() -> None:
    events: list[DeliveryEvent] = [*StatusCode, *BusinessKind]
    for state, event, pending in product(DeliveryState, events, PendingRequest):
        try:
            to = next_state(state, event, pending=pending)
        except TransitionForbidden:
            continue
        if state in ENDS:
            assert to.state is state
        if to.state in ENDS:
            assert to.pending is P.NONE


def test_a_new_document_is_no_event_of_an_existing_delivery() -> None:
    for state in DeliveryState:
        with pytest.raises(TransitionForbidden):
            next_state(state, B.NEW)


def test_every_state_can_be_reached() -> None:
    reached = {S.SENT, S.WITHDRAWN} | {to.state for to in TRANSITIONS.values()}
    assert reached == set(DeliveryState)


def test_the_page_holds_exactly_the_diagram_that_the_table_draws() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"```mermaid\n{draw_life_cycle()}```\n" in page
    for state in DeliveryState:
        assert f"| `{state}` |" in page
