"""What the doctor's checks find: good, to be warned of, or failed, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found; `reason` names the sentence that says what to do."""

    check: str
    result: Result
    detail: str = ""
    reason: str = ""
