"""Independent judges that only Java has: EU DSS and veraPDF, one process for all of a session.

Tests that ask them carry @pytest.mark.judge("dss") or ("verapdf"): tests/judges must have been
built (`mvn -q -f tests/judges/pom.xml package`). DSS's own reports stay in its build/reports.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.revocation.evidence import RevocationEvidence

PROGRAM: Final = Path(__file__).parents[1] / "judges" / "build" / "judges.jar"
REPORTS: Final = PROGRAM.parent / "reports"
ANSWER_SECONDS: Final = 120
"""A 50 MB file of 1 000 pages takes DSS a few seconds; what takes longer than this hangs."""

# A judge lives for a minute: quick to start counts for more than quick in the long run.
_JAVA: Final = (
    *("java", "-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
    *("-Djava.awt.headless=true", "-Dfile.encoding=UTF-8"),
)


@dataclass(frozen=True, kw_only=True)
class DssSignature:
    """What EU DSS says of one signature (EN 319 102-1 §5.1.3)."""

    field: str
    level: str
    indication: str
    sub_indication: str
    key_algorithm: str
    digest_algorithm: str
    intact: bool
    undefined_changes: int
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether it is valid without a but."""
        return self.indication == "TOTAL_PASSED"


@dataclass(frozen=True, kw_only=True)
class DssTimestamp:
    """What EU DSS says of one time-stamp."""

    type: str
    produced_at: datetime
    indication: str
    sub_indication: str
    errors: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DssAnswer:
    """What EU DSS says of a document."""

    signatures: tuple[DssSignature, ...]
    timestamps: tuple[DssTimestamp, ...]


@dataclass(frozen=True, kw_only=True)
class ArchiveAnswer:
    """What veraPDF says of a document: which PDF/A it was held to, and the rules it breaks."""

    flavour: str
    compliant: bool
    failures: tuple[str, ...]


class JavaJudges:
    """The running program of tests/judges; started by the first question."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate(timeout=ANSWER_SECONDS)

    def dss(
        self,
        document: bytes,
        root: x509.Certificate,
        *,
        evidence: RevocationEvidence | None = None,
        at: datetime | None = None,
        reports: str | None = None,
    ) -> DssAnswer:
        """Ask EU DSS, which trusts `root` only and knows what `evidence` and the document hold.

        reports: under which name its own reports are kept.
        """
        evidence = evidence or RevocationEvidence()
        with tempfile.TemporaryDirectory(dir=self._directory) as folder:
            files = _Files(Path(folder))
            answer = self._ask(
                {
                    "judge": "dss",
                    "document": files.keep(document),
                    "anchors": [files.keep(root.public_bytes(Encoding.DER))],
                    "crls": [files.keep(crl) for crl in evidence.crls],
                    "ocsps": [files.keep(each) for each in evidence.ocsp_responses],
                    "at": at and at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
                    "reports": reports and str(REPORTS / re.sub(r"[^\w.-]+", "-", reports)),
                }
            )
        return DssAnswer(
            signatures=tuple(_signature(each) for each in answer["signatures"]),
            timestamps=tuple(_timestamp(each) for each in answer["timestamps"]),
        )

    def verapdf(self, document: bytes, flavour: str) -> ArchiveAnswer:
        """Ask veraPDF whether the document is PDF/A of that flavour: "1b", "2b", "2u", "3b" …"""
        with tempfile.TemporaryDirectory(dir=self._directory) as folder:
            kept = _Files(Path(folder)).keep(document)
            answer = self._ask({"judge": "verapdf", "document": kept, "flavour": flavour})
        return ArchiveAnswer(
            flavour=answer["flavour"],
            compliant=answer["compliant"],
            failures=tuple(answer["failures"]),
        )

    def _ask(self, question: dict[str, object]) -> dict[str, Any]:
        with self._lock:
            process = self._process = self._process or self._start()
            assert process.stdin is not None
            assert process.stdout is not None
            # Whoever waits for a judge that hangs is woken by its end.
            patience = threading.Timer(ANSWER_SECONDS, process.kill)
            patience.start()
            try:
                process.stdin.write(json.dumps(question) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            finally:
                patience.cancel()
            if not line:
                self._process = None  # the next question gets a new one
        assert line, f"the judge ended without an answer: see {self._said}"
        answer: dict[str, Any] = json.loads(line)
        assert "failure" not in answer, f"{answer['failure']}: see {self._said}"
        return answer

    @property
    def _said(self) -> Path:
        return self._directory / "judges.log"

    def _start(self) -> subprocess.Popen[str]:
        with self._said.open("wb") as said:
            return subprocess.Popen(
                [*_JAVA, "-jar", str(PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                encoding="utf-8",
            )


class _Files:
    """A question's files, one number each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def keep(self, content: bytes) -> str:
        self._count += 1
        path = self._folder / f"{self._count}"
        path.write_bytes(content)
        return str(path)


def _signature(told: dict[str, Any]) -> DssSignature:
    return DssSignature(
        field=told["field"] or "",
        level=told["level"],
        indication=told["indication"],
        sub_indication=told["subIndication"],
        key_algorithm=told["keyAlgorithm"],
        digest_algorithm=told["digestAlgorithm"],
        intact=told["intact"],
        undefined_changes=told["undefinedChanges"],
        errors=tuple(told["errors"]),
        warnings=tuple(told["warnings"]),
    )


def _timestamp(told: dict[str, Any]) -> DssTimestamp:
    return DssTimestamp(
        type=told["type"],
        produced_at=datetime.fromisoformat(told["producedAt"]),
        indication=told["indication"],
        sub_indication=told["subIndication"],
        errors=tuple(told["errors"]),
        warnings=tuple(told["warnings"]),
    )


@pytest.fixture(scope="session")
def java_judges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JavaJudges]:
    """EU DSS and veraPDF, ready to be asked."""
    with JavaJudges(tmp_path_factory.mktemp("judges")) as judges:
        yield judges
