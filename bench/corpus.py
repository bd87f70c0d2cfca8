"""Sign every document of the corpus that pyHanko can sign: on none may we take longer than it."""

from __future__ import annotations

import asyncio
import copy
import logging
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.harness import Effort, Entry, Gauge, NotInstalled, Sense, WrongResult
from bench.material import Material, material
from bench.plainly import sign_plainly
from bench.signing import PKCS1, request_for
from signer.creation.signing import sign
from signer.errors import SignerError

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "pdf"
ROUNDS = 3
MIN_DOCUMENTS = 50
"""So many can be signed at least; others are encrypted, or certified, or damaged."""
FIELD = "Ky-Bench"


@contextmanager
def _prepare() -> Iterator[Gauge]:
    if not CORPUS.is_dir():
        raise NotInstalled("../shared/corpus")
    # The engine has much to say about documents of other makers.
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    with material() as made, asyncio.Runner() as runner:

        def measure(effort: Effort) -> float:
            ratios = [
                ratio
                for path in sorted(CORPUS.glob("*.pdf"))
                if (ratio := _ratio(path.read_bytes(), made, runner=runner, effort=effort))
            ]
            if len(ratios) < MIN_DOCUMENTS:
                raise WrongResult(f"only {len(ratios)} documents could be signed")
            return max(ratios)

        yield Gauge(measure=measure)


def _ratio(
    document: bytes, made: Material, *, runner: asyncio.Runner, effort: Effort
) -> float | None:
    """Return how many times as long we take; None where either refuses the document."""

    async def ours() -> None:
        request = request_for(PKCS1, field_name=FIELD)
        signed = await sign(document, key=made.key, request=request)
        if not signed.startswith(document):
            raise WrongResult("the document was not kept")

    # A document with an integrity code (ISO 32004) that fails would spoil the signer for the next.
    signer = copy.copy(made.plain_signer)

    def theirs() -> None:
        sign_plainly(document, signer, field_name=FIELD)

    try:
        theirs()
        runner.run(ours())
    except SignerError:
        return None
    except WrongResult:
        raise
    except Exception:
        return None
    return statistics.median(
        _seconds(lambda: runner.run(ours())) / _seconds(theirs)
        for _ in range(min(ROUNDS, effort.rounds))
    )


def _seconds(act: Callable[[], None]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


ENTRY = Entry(
    name="sign-corpus-slowest",
    goal=1.05,
    against="plain pyHanko, slowest file",
    prepare=_prepare,
    sense=Sense.AT_MOST,
)
