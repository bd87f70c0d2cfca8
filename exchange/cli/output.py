"""What a command says: one JSON document, or sentences and tables for people, never both."""

import json
import os
import re
import sys
import traceback
import unicodedata
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from exchange.client.errors import ServiceRefused
from exchange.texts import LANGUAGES, Language, knows, language_from_environment, phrase, sentence

SCHEMA_VERSION = 1
# OpenSSL's errors have a `reason` too, so it must be known to us before it counts as ours.
_REASON = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


def plain(text: object) -> str:
    """Take from a stranger's text what could move the cursor, recolour or reorder the terminal."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(letter) in {"Cc", "Cf", "Cs"}
        else letter
        for letter in str(text)
    )


def indented(text: Text | str, columns: int, *, style: str = "") -> Padding:
    """Set text in from the margin, also where it wraps."""
    whole = text if isinstance(text, Text) else Text(plain(text), style=style)
    return Padding(whole, (0, 0, 0, columns), expand=False)


class Output:
    """Where a command's results go: JSON on stdout, or text on stdout and errors on stderr.

    Without an explicit language, sentences come in both, that of the environment first.
    """

    def __init__(self, *, as_json: bool, language: Language | None = None) -> None:
        """Choose form and language once for the command."""
        self.as_json = as_json
        self.language: Language = language or language_from_environment()
        others = () if language else tuple(other for other in LANGUAGES if other != self.language)
        self.languages: tuple[Language, ...] = (self.language, *others)
        self._out = Console(highlight=False, markup=False, emoji=False)
        self._err = Console(highlight=False, markup=False, emoji=False, stderr=True)

    @property
    def is_terminal(self) -> bool:
        """Tell whether a person watches stdout."""
        return self._out.is_terminal and not self.as_json

    @property
    def error_console(self) -> Console:
        """The console for progress, which never mixes with results."""
        return self._err

    def document(self, content: Mapping[str, Any]) -> None:
        """Print the one JSON document of this command; nothing for people."""
        if self.as_json:
            versioned = {"schema_version": SCHEMA_VERSION, **content}
            sys.stdout.write(json.dumps(versioned, ensure_ascii=False, indent=2) + "\n")
            sys.stdout.flush()

    def line(self, content: Mapping[str, Any]) -> None:
        """Print one line of JSON Lines, for commands that report as they go; nothing for people."""
        if self.as_json:
            versioned = {"schema_version": SCHEMA_VERSION, **content}
            sys.stdout.write(json.dumps(versioned, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    def show(self, *renderables: RenderableType) -> None:
        """Print for people; nothing where JSON was asked for."""
        if not self.as_json:
            for renderable in renderables:
                # A heading's line is left to the terminal: a path broken in two can't be copied.
                self._out.print(renderable, soft_wrap=isinstance(renderable, str | Text))

    def note(self, text: RenderableType, *, style: str = "") -> None:
        """Tell people something that is no result, on stderr, in either form."""
        self._err.print(text, style=style, soft_wrap=isinstance(text, str))

    def phrase(self, key: str, /, **values: object) -> str:
        """Give a phrase of the catalogue in the command's language."""
        cleaned = {name: plain(value) for name, value in values.items()}
        return phrase(key, self.language, **cleaned)

    def say(self, key: str, /, **values: object) -> None:
        """Print a phrase for people."""
        self.show(self.phrase(key, **values))

    def sentence(self, reason: str, *, indent: int = 0) -> Padding:
        """Give a reason's sentence: the first language as it is, the other dim beneath."""
        lines = Text(sentence(reason, self.language))
        for other in self.languages[1:]:
            lines.append("\n" + sentence(reason, other), style="dim")
        return indented(lines, indent)

    def table(self, *headings: str, rows: Iterable[Iterable[object]], title: str = "") -> Table:
        """Lay rows out under headings (keys of phrases), made harmless for the terminal."""
        table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
        for heading in headings:
            table.add_column(self.phrase(heading), overflow="fold")
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else plain(cell) for cell in row))
        return table

    def failure(self, error: BaseException) -> None:
        """Tell what went wrong and what to do, in the form that was asked for."""
        reason, detail = reason_and_detail(error)
        sentences = {
            language: _sentence(error, reason, language=language) for language in LANGUAGES
        }
        if self.as_json:
            content = {
                "reason": reason,
                "message_vi": sentences["vi"],
                "message_en": sentences["en"],
            }
            # One line, so that it may follow lines that are out already.
            self.line({"error": {**content, "detail": detail}})
        else:
            spoken = [sentences[each] for each in self.languages]
            self._say_failure(reason, sentences=spoken, detail=detail)
        if os.environ.get("CONGVAN_DEBUG") == "1":
            traceback.print_exception(error)

    def _say_failure(self, reason: str, *, sentences: list[str], detail: str) -> None:
        first = Text(f"{reason}: ", style="bold red").append(plain(sentences[0]), style="not bold")
        self._err.print(first, soft_wrap=True)
        for other in sentences[1:]:
            self._err.print(Text("  " + plain(other), style="dim"), soft_wrap=True)
        if detail:
            self._err.print("  → " + plain(detail), soft_wrap=True)


def reason_and_detail(error: BaseException) -> tuple[str, str]:
    """Give an error's reason and detail; a defect gets INTERNAL_ERROR and a reference to quote."""
    reason = getattr(error, "reason", None)
    if not isinstance(reason, str) or not _REASON.fullmatch(reason):
        return "INTERNAL_ERROR", f"{type(error).__name__} {uuid.uuid4().hex[:8]}"
    return reason, str(getattr(error, "detail", ""))


def _sentence(error: BaseException, reason: str, *, language: Language) -> str:
    # A newer service may give reasons that this program has no sentence for; then its own counts.
    if isinstance(error, ServiceRefused) and not knows(reason, language):
        theirs = error.message_vi if language == "vi" else error.message_en
        return theirs or sentence(reason, language)
    return sentence(reason, language)
