"""The life cycle of one delivery: a document on its way to one recipient. Pure: no I/O.

The protocol is the tables of this file; `next_state` only looks things up, and the diagram in
docs/delivery-life-cycle.md is drawn from them. Codes: QĐ 28/2018/QĐ-TTg and QCVN 102:2016.

A delivery has a main state and, beside it, at most one request of the sender that waits for the
recipient's answer: recall, update, replacement (business documents) or take-back (status 13). A
request never changes the main state by itself; only the answer 15 (agreed) to a recall or
take-back does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from exchange.envelope import BusinessKind, StatusCode
from exchange.errors import TransitionForbidden

DeliveryEvent = StatusCode | BusinessKind
"""What can happen to a delivery: a status message, or a later business document about it."""


class DeliveryState(StrEnum):
    """Where a delivery stands (trạng thái xử lý). REFUSED, DONE and WITHDRAWN are ends."""

    SENT = "SENT"
    ARRIVED = "ARRIVED"
    REFUSED = "REFUSED"
    ACCEPTED = "ACCEPTED"
    ASSIGNED = "ASSIGNED"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    WITHDRAWN = "WITHDRAWN"


class PendingRequest(StrEnum):
    """What the sender has asked and the recipient has not answered yet (yêu cầu chờ trả lời)."""

    NONE = "NONE"
    TAKE_BACK = "TAKE_BACK"
    RECALL = "RECALL"
    UPDATE = "UPDATE"
    REPLACE = "REPLACE"


class Effect(StrEnum):
    """What an event did to a delivery (tác động), so that the caller knows what to write down.

    NOOP is a repetition; IGNORED came too late and is only logged. The rest changed something.
    """

    MOVED = "MOVED"
    NOOP = "NOOP"
    IGNORED = "IGNORED"
    ASKED = "ASKED"
    AGREED = "AGREED"
    DECLINED = "DECLINED"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an event leads: the main state, the request that waits beside it, and what happened."""

    state: DeliveryState
    effect: Effect
    pending: PendingRequest = PendingRequest.NONE


_S = DeliveryState
_C = StatusCode
_P = PendingRequest

_MOVED, _NOOP, _IGNORED = Effect.MOVED, Effect.NOOP, Effect.IGNORED

# The recipient's handling. What is absent is forbidden: a number cannot be assigned (04) before it
# is in the register (03), and what is in the register can be finished or taken back but no longer
# refused (02).
TRANSITIONS: Mapping[tuple[DeliveryState, StatusCode], Transition] = MappingProxyType(
    {
        (_S.SENT, _C.ARRIVED): Transition(_S.ARRIVED, _MOVED),
        (_S.SENT, _C.REFUSED): Transition(_S.REFUSED, _MOVED),
        (_S.SENT, _C.ACCEPTED): Transition(_S.ACCEPTED, _MOVED),  # 03 may come without 01
        (_S.ARRIVED, _C.ARRIVED): Transition(_S.ARRIVED, _NOOP),
        (_S.ARRIVED, _C.REFUSED): Transition(_S.REFUSED, _MOVED),
        (_S.ARRIVED, _C.ACCEPTED): Transition(_S.ACCEPTED, _MOVED),
        (_S.ACCEPTED, _C.ARRIVED): Transition(_S.ACCEPTED, _NOOP),
        (_S.ACCEPTED, _C.ACCEPTED): Transition(_S.ACCEPTED, _NOOP),
        (_S.ACCEPTED, _C.ASSIGNED): Transition(_S.ASSIGNED, _MOVED),
        (_S.ACCEPTED, _C.IN_PROGRESS): Transition(_S.IN_PROGRESS, _MOVED),  # 05 without 04
        (_S.ACCEPTED, _C.DONE): Transition(_S.DONE, _MOVED),
        (_S.ASSIGNED, _C.ARRIVED): Transition(_S.ASSIGNED, _NOOP),
        (_S.ASSIGNED, _C.ACCEPTED): Transition(_S.ASSIGNED, _NOOP),
        (_S.ASSIGNED, _C.ASSIGNED): Transition(_S.ASSIGNED, _NOOP),
        (_S.ASSIGNED, _C.IN_PROGRESS): Transition(_S.IN_PROGRESS, _MOVED),
        (_S.ASSIGNED, _C.DONE): Transition(_S.DONE, _MOVED),
        (_S.IN_PROGRESS, _C.ARRIVED): Transition(_S.IN_PROGRESS, _NOOP),
        (_S.IN_PROGRESS, _C.ACCEPTED): Transition(_S.IN_PROGRESS, _NOOP),
        (_S.IN_PROGRESS, _C.ASSIGNED): Transition(_S.IN_PROGRESS, _NOOP),
        (_S.IN_PROGRESS, _C.IN_PROGRESS): Transition(_S.IN_PROGRESS, _NOOP),
        (_S.IN_PROGRESS, _C.DONE): Transition(_S.DONE, _MOVED),
        (_S.DONE, _C.ARRIVED): Transition(_S.DONE, _IGNORED),
        (_S.DONE, _C.REFUSED): Transition(_S.DONE, _IGNORED),
        (_S.DONE, _C.ACCEPTED): Transition(_S.DONE, _IGNORED),
        (_S.DONE, _C.ASSIGNED): Transition(_S.DONE, _IGNORED),
        (_S.DONE, _C.IN_PROGRESS): Transition(_S.DONE, _IGNORED),
        (_S.DONE, _C.DONE): Transition(_S.DONE, _NOOP),
        (_S.REFUSED, _C.ARRIVED): Transition(_S.REFUSED, _NOOP),
        (_S.REFUSED, _C.REFUSED): Transition(_S.REFUSED, _NOOP),
        (_S.WITHDRAWN, _C.ARRIVED): Transition(_S.WITHDRAWN, _IGNORED),
        (_S.WITHDRAWN, _C.REFUSED): Transition(_S.WITHDRAWN, _IGNORED),
        (_S.WITHDRAWN, _C.ACCEPTED): Transition(_S.WITHDRAWN, _IGNORED),
        (_S.WITHDRAWN, _C.ASSIGNED): Transition(_S.WITHDRAWN, _IGNORED),
        (_S.WITHDRAWN, _C.IN_PROGRESS): Transition(_S.WITHDRAWN, _IGNORED),
        (_S.WITHDRAWN, _C.DONE): Transition(_S.WITHDRAWN, _IGNORED),
        (_S.WITHDRAWN, _C.AGREED): Transition(_S.WITHDRAWN, _NOOP),
    }
)

# The states in which the sender may still ask for something: all but REFUSED and WITHDRAWN.
OPEN_TO_REQUESTS = frozenset(
    {_S.SENT, _S.ARRIVED, _S.ACCEPTED, _S.ASSIGNED, _S.IN_PROGRESS, _S.DONE}
)

_REQUESTS: Mapping[DeliveryEvent, PendingRequest] = MappingProxyType(
    {
        _C.TAKE_BACK_ASKED: _P.TAKE_BACK,
        BusinessKind.RECALL: _P.RECALL,
        BusinessKind.UPDATE: _P.UPDATE,
        BusinessKind.REPLACE: _P.REPLACE,
    }
)

# Which waiting requests a new one may take the place of: a stronger request wins over a weaker
# one, and what is being taken out of circulation can no longer be updated or replaced. Asking
# again is a NOOP.
_MAY_SUPERSEDE: Mapping[PendingRequest, frozenset[PendingRequest]] = MappingProxyType(
    {
        _P.TAKE_BACK: frozenset({_P.NONE, _P.UPDATE, _P.REPLACE}),
        _P.RECALL: frozenset({_P.NONE, _P.UPDATE, _P.REPLACE, _P.TAKE_BACK}),
        _P.UPDATE: frozenset({_P.NONE}),
        _P.REPLACE: frozenset({_P.NONE, _P.UPDATE}),
    }
)

# The requests that end the delivery when the recipient agrees; the others leave the main state as
# it is.
_WITHDRAWS_WHEN_AGREED = frozenset({_P.TAKE_BACK, _P.RECALL})


def next_state(
    state: DeliveryState,
    event: DeliveryEvent,
    *,
    pending: PendingRequest = PendingRequest.NONE,
) -> Transition:
    """Tell where an event leads from a main state with a request waiting beside it.

    Raises:
        TransitionForbidden: the event does not fit the state; nothing may be changed.

    """
    if event in _REQUESTS:
        return _ask(state, _REQUESTS[event], pending=pending)
    asked = pending is not PendingRequest.NONE and state in OPEN_TO_REQUESTS
    if asked and event in (StatusCode.AGREED, StatusCode.DECLINED):
        return _answer(state, event, pending=pending)
    if isinstance(event, BusinessKind) or (state, event) not in TRANSITIONS:
        raise TransitionForbidden(f"{_name(event)} in state {state}, request waiting: {pending}")
    found = TRANSITIONS[state, event]
    # A recipient who refuses the document has also disposed of whatever was asked about it.
    ended = found.state in (DeliveryState.REFUSED, DeliveryState.WITHDRAWN)
    return Transition(found.state, found.effect, PendingRequest.NONE if ended else pending)


def _ask(state: DeliveryState, asked: PendingRequest, *, pending: PendingRequest) -> Transition:
    if state in OPEN_TO_REQUESTS:
        if asked is pending:
            return Transition(state, Effect.NOOP, pending)
        if pending in _MAY_SUPERSEDE[asked]:
            return Transition(state, Effect.ASKED, asked)
    raise TransitionForbidden(f"{asked} asked in state {state}, request waiting: {pending}")


def _answer(state: DeliveryState, event: DeliveryEvent, *, pending: PendingRequest) -> Transition:
    if event is StatusCode.DECLINED:
        return Transition(state, Effect.DECLINED)
    if pending in _WITHDRAWS_WHEN_AGREED:
        return Transition(DeliveryState.WITHDRAWN, Effect.AGREED)
    return Transition(state, Effect.AGREED)


def draw_life_cycle() -> str:
    """Draw the tables as a Mermaid state diagram; repetitions and ignored statuses are left out."""
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in _diagram_lines())]) + "\n"


def _diagram_lines() -> Iterator[str]:
    yield "[*] --> SENT"
    moves = {key: to for key, to in TRANSITIONS.items() if to.effect is Effect.MOVED}
    for (state, event), to in moves.items():
        yield f"{state} --> {to.state}: {event} {event.name}"
    for state in DeliveryState:
        if state in OPEN_TO_REQUESTS:
            yield f"{state} --> WITHDRAWN: 15 AGREED to a recall or take-back"
    for state in DeliveryState:
        if not any(start is state for start, _ in moves):
            yield f"{state} --> [*]"


def _name(event: DeliveryEvent) -> str:
    return f"{event.value} {event.name}" if isinstance(event, StatusCode) else event.name
