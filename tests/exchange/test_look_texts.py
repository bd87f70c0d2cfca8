"""Every warning about a signature's look has a sentence in both languages."""

import pytest

from exchange.texts import LANGUAGES, Language, phrase
from signer.office.warnings import LookWarning


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("warning", LookWarning)
def test_a_warning_says_what_to_do(warning: LookWarning, language: Language) -> None:
    assert " — " in phrase(f"look.{warning}", language)
