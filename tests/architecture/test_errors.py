"""One error tree per package: each error has a reason that stays, and a sentence that helps."""

import ast
import importlib
import re
from inspect import signature
from types import ModuleType

import pytest

from tests.architecture.sources import PACKAGES, assert_none, classes, modules

REASON = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
REASON_LENGTH_MAX = 63  # google.rpc.ErrorInfo.reason

TREES = [module.name for module in modules(*PACKAGES) if module.name.endswith(".errors")]
OTHERS = re.compile(r"(?!ValueError)\w*(?:Error|Exception|Warning)")


def errors_of(name: str) -> list[type[Exception]]:
    """The error classes that a module of errors defines itself."""
    module: ModuleType = importlib.import_module(name)
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and value.__module__ == module.__name__
    ]


def reason_of(error: type[Exception]) -> str:
    return str(getattr(error, "reason", "") or "")


def own_errors() -> list[type[Exception]]:
    return [error for name in TREES for error in errors_of(name)]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_one_tree_of_errors_with_one_root(package: str) -> None:
    errors = errors_of(f"{package}.errors")
    roots = [error for error in errors if not any(base in errors for base in error.__bases__)]
    assert len(roots) == 1, roots


@pytest.mark.parametrize("error", own_errors(), ids=lambda error: error.__qualname__)
def test_every_error_has_a_stable_reason_and_a_sentence(error: type[Exception]) -> None:
    reason = reason_of(error)
    is_parent = bool(error.__subclasses__())
    brings_its_own = "reason" in signature(error.__init__).parameters  # told by the other side
    if reason or not (is_parent or brings_its_own):
        assert REASON.fullmatch(reason), f"{error.__qualname__}: {reason!r}"
        assert len(reason) <= REASON_LENGTH_MAX
    sentence = (error.__doc__ or "").strip().partition("\n")[0]
    assert sentence.endswith((".", "?")), f"{error.__qualname__}: {sentence!r}"


@pytest.mark.parametrize("name", TREES)
def test_every_tree_is_drawn_at_the_top_of_its_file(name: str) -> None:
    drawing = importlib.import_module(name).__doc__ or ""
    assert_none(error.__name__ for error in errors_of(name) if error.__name__ not in drawing)


def test_no_two_errors_share_a_reason() -> None:
    seen: dict[str, type[Exception]] = {}
    shared = []
    for error in own_errors():
        reason = vars(error).get("reason", "")
        if reason and reason in seen:
            shared.append(f"{reason}: {seen[reason].__qualname__} and {error.__qualname__}")
        seen.setdefault(reason, error)
    assert_none(shared)


def test_errors_are_defined_in_the_trees_and_nowhere_else() -> None:
    """A ValueError of its own is a parser's signal to its package, which turns it into ours."""
    names = {error.__name__ for error in own_errors()}
    assert_none(
        f"{module.path}: {node.name}"
        for module, node in classes(*PACKAGES)
        if module.name not in TREES
        and not node.name.startswith("_")  # a signal within one module
        and any(last_name(b) in names or OTHERS.fullmatch(last_name(b)) for b in node.bases)
    )


def last_name(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
