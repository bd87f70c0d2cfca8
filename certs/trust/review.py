"""Looking a trust directory over: what ends soon, what overlaps, what is not named, what is due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Final

from certs.trust.anchor_rules import overlap
from certs.trust.anchors import AnchorClass, TrustAnchor
from certs.trust.files import TrustDirectory
from certs.trusted_lists.files import KnownList

NOTICE_DAYS: Final = (7, 30, 60)
"""How long before an end it is told, the most pressing first."""


class TrustConcern(StrEnum):
    """What is wrong with a trust directory, or soon will be."""

    STRAY = "STRAY"
    """a certificate file that the index does not name: the store cannot be loaded"""
    PRACTICE_MIXED = "PRACTICE_MIXED"
    """practice and real anchors in one store"""
    LIST_OVERDUE = "LIST_OVERDUE"
    """a trusted list whose next one was due: its anchors are trusted no longer"""
    LIST_DUE = "LIST_DUE"
    """a trusted list whose next one is due soon"""
    ENDS_SOON = "ENDS_SOON"
    """an anchor that is trusted now and soon will not be"""
    OVERLAPPING = "OVERLAPPING"
    """one certificate in two anchors that are trusted at the same time for the same"""
    UNSTATED = "UNSTATED"
    """nobody said under which law the authority certifies"""
    UNFINISHED = "UNFINISHED"
    """files of a change that was cut short; the next change puts them away"""


FAILING: Final = frozenset(
    {TrustConcern.STRAY, TrustConcern.PRACTICE_MIXED, TrustConcern.LIST_OVERDUE}
)
"""Concerns that make documents undecidable, or decided wrongly, today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustFinding:
    """One concern: which files or lists, and by when."""

    concern: TrustConcern
    names: tuple[str, ...]
    ends_at: datetime | None = None
    within_days: int | None = None
    """The shortest of NOTICE_DAYS within which it ends."""


def review(
    found: TrustDirectory, lists: Mapping[str, KnownList], *, at: datetime
) -> tuple[TrustFinding, ...]:
    """All concerns about what lies in the directory, the gravest first."""
    findings = [*_files(found), *_lists(lists, at=at), *_anchors(found.anchors, lists, at=at)]
    order = list(TrustConcern)
    return tuple(sorted(findings, key=lambda each: (order.index(each.concern), each.names)))


def _files(found: TrustDirectory) -> Iterator[TrustFinding]:
    if found.strays:
        yield TrustFinding(concern=TrustConcern.STRAY, names=found.strays)
    if found.unfinished:
        yield TrustFinding(concern=TrustConcern.UNFINISHED, names=found.unfinished)


def _lists(lists: Mapping[str, KnownList], *, at: datetime) -> Iterator[TrustFinding]:
    for name, known in lists.items():
        within = _within(known.next_update_at, at=at)
        if known.next_update_at < at:
            concern = TrustConcern.LIST_OVERDUE
        elif within is not None:
            concern = TrustConcern.LIST_DUE
        else:
            continue
        yield TrustFinding(
            concern=concern, names=(name,), ends_at=known.next_update_at, within_days=within
        )


def _anchors(
    anchors: Mapping[str, TrustAnchor], lists: Mapping[str, KnownList], *, at: datetime
) -> Iterator[TrustFinding]:
    if len({anchor.practice for anchor in anchors.values()}) > 1:
        practice = tuple(file for file, anchor in anchors.items() if anchor.practice)
        yield TrustFinding(concern=TrustConcern.PRACTICE_MIXED, names=practice)
    unstated = [
        file
        for file, anchor in anchors.items()
        if anchor.anchor_class is AnchorClass.UNSTATED and anchor.valid_until >= at
    ]
    if unstated:
        yield TrustFinding(concern=TrustConcern.UNSTATED, names=tuple(unstated))
    # The end of a list's anchors is the end of the list, which is told once.
    told = {(file, known.next_update_at) for known in lists.values() for file in known.files}
    for file, anchor in anchors.items():
        within = _within(anchor.valid_until, at=at)
        if anchor.trusted_at(at) and within and (file, anchor.valid_until) not in told:
            yield TrustFinding(
                concern=TrustConcern.ENDS_SOON,
                names=(file,),
                ends_at=anchor.valid_until,
                within_days=within,
            )
    same: dict[bytes, list[str]] = defaultdict(list)
    for file, anchor in anchors.items():
        same[anchor.der].append(file)
    for files in same.values():
        for one, other in combinations(files, 2):
            if overlap(anchors[one], anchors[other]):
                yield TrustFinding(concern=TrustConcern.OVERLAPPING, names=(one, other))


def _within(end: datetime, *, at: datetime) -> int | None:
    return next((days for days in NOTICE_DAYS if end - at <= timedelta(days=days)), None)
