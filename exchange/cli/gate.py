"""What the gate found in a document's files, as commands tell it: the verdict, and whose it is."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType

from congvan.v1 import exchange_pb2, verification_pb2
from exchange.cli.output import Output, indented, plain
from exchange.cli.service import verdict_name
from exchange.signing_for import SignedFor
from exchange.texts import phrase

_PREFIX = "SIGNED_FOR_"


def signed_for(finding: exchange_pb2.GateFinding) -> SignedFor | None:
    """Tell whether a file bears its sender's signatures; None where that is no question.

    A newer service may have words that this program does not know: they are passed over.
    """
    known = {value: name for name, value in verification_pb2.SignedFor.items()}
    word = known.get(finding.signed_for, "").removeprefix(_PREFIX)
    return SignedFor(word) if word in SignedFor.__members__ else None


def finding_json(finding: exchange_pb2.GateFinding) -> dict[str, Any]:
    """Give the JSON of one finding."""
    return {
        "file": finding.document.file_name,
        "sha256": finding.document.sha256,
        "verdict": verdict_name(finding.verdict),
        "reason": finding.reason,
        "report": finding.report,
        "signed_for": signed_for(finding),
    }


def short_words(finding: exchange_pb2.GateFinding, output: Output) -> str:
    """Say a finding in a column of a table: the verdict, and whose it is where that is doubtful."""
    verdict = output.phrase(f"verdict.{verdict_name(finding.verdict)}")
    found = signed_for(finding)
    if found is None or found is SignedFor.NOT_PROVED:
        return verdict  # the verdict says already that nothing is proved
    return f"{verdict}, {output.phrase(f'signed_for.short.{found}')}"


def whose_lines(
    finding: exchange_pb2.GateFinding, sender: str, *, output: Output
) -> list[RenderableType]:
    """Say whose signatures a file bears, and what to do where they are not its sender's."""
    found = signed_for(finding)
    if found is None:
        return []
    style = "" if found in (SignedFor.MATCHES, SignedFor.SUPERIOR) else "yellow"
    told = [phrase(f"signed_for.{found}", each, code=plain(sender)) for each in output.languages]
    return [indented(text, 2, style=each) for text, each in zip(told, (style, "dim"), strict=False)]
