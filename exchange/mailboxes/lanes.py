"""Lanes: in which order a mailbox is served; urgent ones first, and none of them starves (pure)."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from exchange.envelope import Priority


class Lane(IntEnum):
    """The order in which a mailbox is served (làn); a lower number comes first."""

    CONTROL = 1
    FLASH = 2
    VERY_URGENT = 3
    URGENT = 4
    NORMAL = 5
    BULK = 6


_LANES: Final[Mapping[Priority, Lane]] = MappingProxyType(
    {
        Priority.NORMAL: Lane.NORMAL,
        Priority.URGENT: Lane.URGENT,
        Priority.VERY_URGENT: Lane.VERY_URGENT,
        Priority.EXPRESS: Lane.FLASH,
        Priority.EXPRESS_TIMED: Lane.FLASH,
    }
)

# Control and hỏa tốc are served before all others; those share what is left by these weights.
STRICT: Final = (Lane.CONTROL, Lane.FLASH)
WEIGHTS: Final[Mapping[Lane, int]] = MappingProxyType(
    {Lane.VERY_URGENT: 8, Lane.URGENT: 5, Lane.NORMAL: 3, Lane.BULK: 1}
)


def lane_of(priority: Priority, *, bulk: bool = False) -> Lane:
    """The lane that documents of an urgency travel in; `bulk` asks for the last one.

    Only what is not urgent can travel in bulk.
    """
    lane = _LANES[priority]
    return Lane.BULK if bulk and lane is Lane.NORMAL else lane


def share(waiting: Mapping[Lane, int], *, room: int) -> dict[Lane, int]:
    """Tell how many items of each lane go into the next `room` places.

    waiting: how many items each lane has. An endless row of urgent items does not hold the others
    up for ever: each lane that has items gets a place, as long as there are places enough.
    """
    present = [lane for lane in Lane if waiting.get(lane, 0) > 0]
    shares = dict.fromkeys(present[:room], 1)
    for lane in STRICT:
        left = room - sum(shares.values())
        if lane in shares:
            shares[lane] += min(waiting[lane] - shares[lane], left)
    _by_weight(shares, waiting, room=room)
    return shares


def _by_weight(shares: dict[Lane, int], waiting: Mapping[Lane, int], *, room: int) -> None:
    """Give the places that are left to the weighted lanes, each as often as its weight says."""
    left = room - sum(shares.values())
    while left > 0:
        hungry = [lane for lane in WEIGHTS if lane in shares and shares[lane] < waiting[lane]]
        if not hungry:
            return
        total = sum(WEIGHTS[lane] for lane in hungry)
        for lane in hungry:
            fair = max(1, left * WEIGHTS[lane] // total)
            given = min(fair, waiting[lane] - shares[lane], room - sum(shares.values()))
            shares[lane] += given
        left = room - sum(shares.values())
