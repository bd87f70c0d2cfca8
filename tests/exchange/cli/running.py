"""Running the program inside the test process, and the fixtures of its tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exchange.cli.main import main


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of a command that reports in JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def files(self) -> dict[str, dict[str, Any]]:
        """What a signing command says of each file, by the file's name."""
        return {Path(each["file"]).name: each for each in self.lines if "file" in each}

    @property
    def reason(self) -> str:
        """The reason of a failure told in JSON."""
        return str(self.lines[-1]["error"]["reason"])


@dataclass(frozen=True)
class Program:
    """Runs `congvan` as if from a shell without a terminal."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object) -> Ran:
        self.capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = self.capsys.readouterr()
        return Ran(code, out, err)
