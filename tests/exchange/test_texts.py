"""Every reason that a user can meet has a sentence in both languages."""

import re
import string
from pathlib import Path

import pytest

import certs.errors
import exchange.cli.errors
import exchange.client.errors
import exchange.errors
import signer.errors
import storage.errors
from exchange.texts import LANGUAGES, Language, knows, language_from_environment, sentence
from exchange.texts import _catalogue as catalogue

TREES: tuple[type[Exception], ...] = (
    certs.errors.CertsError,
    signer.errors.SignerError,
    storage.errors.StorageError,
    exchange.errors.ExchangeError,
    exchange.client.errors.ClientError,
    exchange.cli.errors.CliError,
)


def _reasons(tree: type[Exception]) -> set[str]:
    found = {str(getattr(tree, "reason", ""))}
    for child in tree.__subclasses__():
        found |= _reasons(child)
    return found - {""}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tree", TREES)
def test_every_error_has_a_sentence(tree: type[Exception], language: Language) -> None:
    assert {reason for reason in _reasons(tree) if not knows(reason, language)} == set()


@pytest.mark.parametrize("name", ["reasons", "phrases", "inspection"])
def test_both_languages_have_the_same_entries_with_the_same_places(name: str) -> None:
    vietnamese, english = catalogue(name, "vi"), catalogue(name, "en")
    assert vietnamese.keys() == english.keys()
    for key in vietnamese:
        assert vietnamese[key].strip(), key
        assert english[key].strip(), key
        assert _places(vietnamese[key]) == _places(english[key]), key


def _places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_an_unknown_reason_is_named_in_its_sentence() -> None:
    assert "COMES_LATER" in sentence("COMES_LATER", "vi")
    assert "COMES_LATER" in sentence("COMES_LATER", "en")


def test_a_sentence_says_what_to_do() -> None:
    for tree in TREES:
        for reason in _reasons(tree) - {"INTERRUPTED"}:
            assert " — " in sentence(reason, "vi"), reason
            assert " — " in sentence(reason, "en"), reason


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "vi"),
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "C.UTF-8"}, "vi"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "vi_VN", "LC_MESSAGES": "en.UTF-8"}, "en"),
    ],
)
def test_language_follows_the_locale(environment: dict[str, str], language: Language) -> None:
    assert language_from_environment(environment) == language


def test_every_phrase_that_the_program_names_is_in_the_catalogue() -> None:
    named: set[str] = set()
    for package in ("cli", "demo"):
        for path in Path(exchange.cli.errors.__file__).parents[1].glob(f"{package}/**/*.py"):
            text = path.read_text(encoding="utf8")
            named |= set(re.findall(r'(?:phrase|say)\(\s*"([a-z]+\.[\w.]+)"', text))
            named |= set(re.findall(r'"((?:word|certs)\.[a-z_]+)"', text))
            named |= {f"demo.step.{key}" for key in re.findall(r'\.step\(\s*"(\w+)"', text)}
    assert len(named) > 60
    assert named - catalogue("phrases", "vi").keys() == set()
