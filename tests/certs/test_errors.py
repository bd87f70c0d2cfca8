"""The error tree: stable reasons, whole sentences, no secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

import certs.errors as errors
from certs.errors import CertsError, PassphraseWrong


def _tree(parent: type[CertsError] = CertsError) -> Iterator[type[CertsError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _tree(child)


def test_every_error_without_children_has_a_reason_of_its_own() -> None:
    reasons = [each.reason for each in _tree() if not each.__subclasses__()]
    assert len(reasons) == len(set(reasons))
    for reason in reasons:
        assert re.fullmatch(r"[A-Z][A-Z0-9_]{2,62}", reason)


def test_a_parent_has_no_reason() -> None:
    assert all(each.reason == "" for each in _tree() if each.__subclasses__())


def test_every_message_says_what_happened_and_what_to_do() -> None:
    for each in _tree():
        assert re.fullmatch(r"[A-Z][^.]+(?:\.\d[^.]*)?\. [A-Z].+\.", each.message()), each


def test_the_detail_follows_the_message() -> None:
    assert str(PassphraseWrong()) == PassphraseWrong.message()
    assert str(PassphraseWrong("in detail")) == f"{PassphraseWrong.message()} (in detail)"


def test_the_tree_drawn_at_the_top_names_every_error() -> None:
    drawn = set(re.findall(r"─ (\w+)", errors.__doc__ or ""))
    assert drawn == {each.__name__ for each in _tree()}
