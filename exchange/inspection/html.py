"""The verification sheet as one HTML file: it loads nothing and runs nothing."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from exchange.inspection.sheet import Sheet
from exchange.inspection.words import Code, Said, Value, Words, words
from signer.pages.pictures import PagePicture
from signer.verdicts import Verdict

MARKS: Final = {
    Verdict.VALID: "✓",
    Verdict.INVALID: "✗",
    Verdict.UNREADABLE: "✗",
    Verdict.INDETERMINATE: "?",
    Verdict.UNSIGNED: "–",
}
_SHORT: Final = 30
"""Codes up to this length (instants, numbers) are set like text: only digests look like codes."""


def html_sheet(sheet: Sheet) -> bytes:
    """Render the sheet; the same bytes for the same sheet."""
    css = _style()
    rendered = (
        _environment()
        .get_template("sheet.html.j2")
        .render(
            sheet=sheet,
            css=Markup(css),  # noqa: S704 - our own file, and a style holds no markup
            css_sha256=b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii"),
            practice={key: words(f"practice.{key}") for key in ("banner", "why")},
            label=_labels(),
            mark=MARKS.__getitem__,
            kind_of=_kind_of,
            is_short=lambda text: len(text) <= _SHORT,
            data_uri=_data_uri,
        )
    )
    return rendered.strip().encode("utf-8", "replace") + b"\n"


def _labels() -> dict[str, Words]:
    sections = ("document", "summary", "signatures", "revisions", "law", "notes", "leniencies")
    return {
        **{name: words(f"section.{name}") for name in sections},
        "made_by": words("sheet.made_by"),
        "what_to_do": words("label.what_to_do"),
        "no_revisions": words("revision.none"),
    }


def _kind_of(value: Value) -> str:
    return {Words: "words", Said: "said", Code: "code"}[type(value)]


def _data_uri(picture: PagePicture) -> str:
    return f"data:{picture.media_type};base64,{b64encode(picture.data).decode('ascii')}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _template(name: str) -> str:
    return (files("exchange.inspection") / "templates" / name).read_text(encoding="utf-8")


@cache
def _style() -> str:
    return _template("sheet.css")
