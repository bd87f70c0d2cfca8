"""Try in a sandbox what extending a stranger's document costs, before it is done here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from certs.trust.anchors import TrustStore
from signer.creation.opening import document_errors
from signer.engine.reading import accelerated
from signer.errors import SandboxLimitExceeded
from signer.source import Source
from signer.validation.assessing import judge_survey
from signer.validation.surveying import survey

if TYPE_CHECKING:
    from datetime import datetime

    from signer.sandbox.pool import Sandbox

MAX_CPU_SECONDS: Final = 20.0
"""Processor time of all judgements together: extending judges anew after each signature."""


async def require_bounded(
    source: Source, *, path: Path | None, sandbox: Sandbox, at: datetime
) -> None:
    """Refuse a document that costs too much: raises SandboxLimitExceeded, and DocumentRefused.

    path: where the file of a source lies that is not in memory. What the sandbox survived within
    its limits can be done here within the same.
    """
    document = source.read() if path is None else path
    seconds = await sandbox.run(cost_for_stranger, document, at=at)
    if seconds > MAX_CPU_SECONDS:
        raise SandboxLimitExceeded(f"more than {MAX_CPU_SECONDS:g} CPU seconds")


def cost_for_stranger(document: bytes | Path, *, at: datetime) -> float:
    """Judge a document as extending does, trusting nobody; give what all its times would take."""
    opened = Source.of_file(document) if isinstance(document, Path) else Source.of_bytes(document)
    begun = time.process_time()
    with opened as source, document_errors(), accelerated():
        surveyed = survey(source.read())
        judge_survey(surveyed, store=TrustStore(), at=at)
    return (time.process_time() - begun) * (len(surveyed.examined) + 1)
