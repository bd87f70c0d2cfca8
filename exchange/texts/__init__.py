"""What users read, Vietnamese first: a sentence for every reason code, and phrases of commands.

The catalogues are gettext files (`vi/*.po`, `en/*.po`), read as they are; nothing is compiled.
A sentence says what happened and, behind the dash, what to do. Reason codes are stable and the same
in every language.
"""

import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from babel.messages.pofile import read_po

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")

_UNDESCRIBED = "UNDESCRIBED"


def sentence(reason: str, language: Language) -> str:
    """Give the plain sentence for a reason code of our error trees or of a verification report.

    A code that the catalogue lacks, for example of a newer service, gets a sentence that names it.
    """
    catalogue = _catalogue("reasons", language)
    return catalogue.get(reason) or catalogue[_UNDESCRIBED].format(reason=reason)


def knows(reason: str, language: Language) -> bool:
    """Tell whether the catalogue has a sentence of its own for this reason code."""
    return bool(_catalogue("reasons", language).get(reason))


def phrase(key: str, language: Language, /, **values: object) -> str:
    """Give one of the command line's own phrases with `{name}` places filled in.

    Raises KeyError for a key that the catalogue lacks: keys are constants of this program.
    """
    return _catalogue("phrases", language)[key].format_map(values)


def sheet_text(key: str, language: Language, /, **values: object) -> str:
    """Give one of the words of the verification sheet with `{name}` places filled in.

    Raises KeyError for a key that the catalogue lacks: keys are constants of this program.
    """
    return _catalogue("inspection", language)[key].format_map(values)


def language_from_environment(environment: Mapping[str, str] | None = None) -> Language:
    """Choose the language by LC_ALL, LC_MESSAGES, LANG: English only where the locale says `en`.

    Vietnamese is the default: the users are Vietnamese offices, and many machines run with `C`.
    """
    environment = os.environ if environment is None else environment
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(variable):
            return "en" if value.partition("_")[0].partition(".")[0] == "en" else "vi"
    return "vi"


@cache
def _catalogue(name: str, language: Language) -> Mapping[str, str]:
    with (files(__name__) / language / f"{name}.po").open("rb") as source:
        return {
            entry.id: entry.string
            for entry in read_po(source, locale=language)
            if isinstance(entry.id, str) and isinstance(entry.string, str) and entry.id
        }
