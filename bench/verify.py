"""Verify signatures of other makers and our own, against plain pyHanko with the same evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from bench.harness import Contest, Entry, Gauge, WrongResult
from bench.material import Material, evidence, material, now
from bench.verify_documents import (
    of_many_pages,
    signed_by_us,
    signed_elsewhere,
    signed_for_long,
    signed_often,
)
from bench.verify_plainly import (
    require_basic,
    require_long_term,
    roots_of,
    verify_basic,
    verify_long_term,
)
from certs.revocation.evidence import RevocationEvidence
from signer import limits
from signer.accepting.quick_way import accept, forget
from signer.report import Report
from signer.validation.assessing import assess
from signer.validation.trust import Circumstances
from signer.verdicts import SignatureLevel, Verdict

SIGNATURES = 50
_AGAINST = "plain pyHanko"

Prepare = Callable[[], AbstractContextManager[Contest | Gauge]]
Make = Callable[[Material], bytes]


def require_ours(report: object, level: SignatureLevel, *, signatures: int = 1) -> None:
    """Require that we hold the document valid, its signatures at this level. WrongResult else."""
    if not isinstance(report, Report) or report.verdict is not Verdict.VALID:
        raise WrongResult(f"ours: {report}")
    at_level = [entry for entry in report.signatures if entry.level is level]
    if len(at_level) != signatures:
        raise WrongResult(f"ours: {len(at_level)} signatures at {level} instead of {signatures}")


def nothing() -> None:
    """Keep what earlier judgements learnt of certificates and paths."""


def basic(
    make: Make,
    *,
    signatures: int = 1,
    before_each: Callable[[], object] = forget,
    is_plain: bool = False,
) -> Prepare:
    """Return how to prepare: both from bytes, with evidence for B-B at hand.

    before_each: what is done before each of our judgements. is_plain: whether the quick way takes
    the document; the entry would measure something else than it says.
    """

    @contextmanager
    def prepare() -> Iterator[Contest]:
        with material() as made:
            document, known, roots = make(made), evidence(made), roots_of(made)
            circumstances = Circumstances(store=made.trust, evidence=known, at=now())
            taken = accept(document, circumstances=circumstances, limits=limits.DEFAULT)
            if (taken is not None) is not is_plain:
                raise WrongResult(f"the quick way takes the document: {taken is not None}")

            def ours(times: int) -> Report | None:
                report = None
                for _ in range(times):
                    before_each()
                    report = assess(document, store=made.trust, evidence=known, at=now())
                return report

            def theirs(times: int) -> object:
                statuses = None
                for _ in range(times):
                    statuses = verify_basic(document, roots, known=known)
                return statuses

            def check(one: object, other: object) -> None:
                require_ours(one, SignatureLevel.B_B, signatures=signatures)
                require_basic(other, signatures=signatures)

            yield Contest(ours=ours, theirs=theirs, check=check)

    return prepare


def long_term(make: Make) -> Prepare:
    """Return how to prepare: the document brings its own evidence, and revisions follow."""

    @contextmanager
    def prepare() -> Iterator[Contest]:
        with material() as made:
            document, known, roots = make(made), RevocationEvidence(), roots_of(made)

            def ours(times: int) -> Report | None:
                report = None
                for _ in range(times):
                    forget()
                    report = assess(document, store=made.trust, at=now())
                return report

            def theirs(times: int) -> object:
                result = None
                for _ in range(times):
                    result = verify_long_term(document, roots, known=known)
                return result

            def check(one: object, other: object) -> None:
                require_ours(one, SignatureLevel.B_LTA)
                require_long_term(other)

            yield Contest(ours=ours, theirs=theirs, check=check)

    return prepare


ENTRIES = (
    Entry(
        name="verify-foreign",
        goal=4,
        against=f"{_AGAINST}, fresh context",
        prepare=basic(signed_elsewhere),
    ),
    Entry(
        name="verify-foreign-cached",
        goal=4,
        against=f"{_AGAINST}, fresh context",
        prepare=basic(signed_elsewhere, before_each=nothing),
    ),
    Entry(
        name="verify-own",
        goal=12,
        against=f"{_AGAINST}, fresh context",
        prepare=basic(signed_by_us, is_plain=True),
    ),
    Entry(
        name="verify-own-cached",
        goal=40,
        against=f"{_AGAINST}, fresh context",
        prepare=basic(signed_by_us, before_each=nothing, is_plain=True),
    ),
    Entry(
        name="verify-lta",
        goal=4,
        against=f"{_AGAINST}, AdES LTA",
        prepare=long_term(signed_for_long),
    ),
    Entry(
        name="verify-lta-1000p",
        goal=8,
        against=f"{_AGAINST}, AdES LTA",
        prepare=long_term(lambda made: signed_for_long(of_many_pages(made))),
    ),
    Entry(
        name="verify-50",
        goal=1,
        against=f"{_AGAINST}, {SIGNATURES} signatures",
        prepare=basic(lambda made: signed_often(made, SIGNATURES), signatures=SIGNATURES),
    ),
)
