"""Every room says what it is for, and nothing is called by a name that says nothing."""

import re

import pytest

from tests.architecture.sources import BUDGETED, ROOT, Module, assert_none, classes, files, modules

EMPTY_WORDS = ("Manager", "Helper", "Util", "Utils", "Processor", "Base", "Impl")
WORDS_OF_A_CLASS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*")

every_module = pytest.mark.parametrize(
    "module", modules(*BUDGETED, "tests"), ids=lambda module: module.path
)


@every_module
def test_every_module_says_in_its_first_line_what_it_is_for(module: Module) -> None:
    assert module.first_line, f"{module.path} has no docstring"
    assert module.first_line.endswith((".", ":", ";")), f"{module.path}: {module.first_line}"


def test_no_class_has_a_name_that_says_nothing() -> None:
    assert_none(
        f"{module.path}: {node.name}"
        for module, node in classes(*BUDGETED, "tests")
        if set(WORDS_OF_A_CLASS.findall(node.name)) & set(EMPTY_WORDS)
    )


def test_no_module_or_folder_has_a_name_that_says_nothing() -> None:
    empty = {word.lower() for word in EMPTY_WORDS} | {"helpers", "managers", "common", "misc"}
    places = (path.relative_to(ROOT) for path in files() if path.suffix == ".py")
    ours = (place for place in places if "_pb2" not in place.name)
    assert_none(
        str(place)
        for place in ours
        if any(set(part.split("_")) & empty for part in place.with_suffix("").parts)
    )
