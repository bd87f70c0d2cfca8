"""The budgets of the design: no monsters, no long parameter lists, everything annotated."""

import ast

import pytest

from tests.architecture.sources import (
    BUDGETED,
    Function,
    Module,
    assert_none,
    classes,
    functions,
    modules,
)

FUNCTION_LINES_P90 = 40
FUNCTION_LINES_MAX = 80
FILE_LINES_MAX = 400
CLASS_LINES_MAX = 250
PARAMETERS_MAX = 6
POSITIONAL_MAX = 2

each_package = pytest.mark.parametrize("package", BUDGETED)

# Bases that give a class no method signatures it would have to follow.
SHAPELESS_BASES = {
    "Protocol", "NamedTuple", "TypedDict", "Generic", "Enum", "StrEnum", "IntEnum", "Flag", "ABC",
}  # fmt: skip


@each_package
def test_nine_functions_in_ten_have_at_most_40_lines(package: str) -> None:
    lengths = sorted(function.lines for function in functions(package))
    if lengths:
        assert lengths[int(0.9 * (len(lengths) - 1))] <= FUNCTION_LINES_P90


def test_no_function_is_longer_than_80_lines() -> None:
    assert_none(
        f"{function.place}: {function.lines} lines"
        for function in functions(*BUDGETED)
        if function.lines > FUNCTION_LINES_MAX
    )


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {module.path: module.text.count("\n") for module in modules(*BUDGETED)}
    assert_none(f"{path}: {n} lines" for path, n in lengths.items() if n > FILE_LINES_MAX)


def test_no_class_is_longer_than_250_lines() -> None:
    lengths = {
        f"{module.path}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for module, node in classes(*BUDGETED)
    }
    assert_none(f"{place}: {n} lines" for place, n in lengths.items() if n > CLASS_LINES_MAX)


def test_no_function_takes_more_than_six_parameters() -> None:
    assert_none(
        f"{function.place}: {len(function.parameters)} parameters"
        for function in functions(*BUDGETED)
        if len(function.parameters) > PARAMETERS_MAX and not follows_a_foreign_shape(function)
    )


def test_parameters_after_the_second_are_keyword_only() -> None:
    assert_none(
        f"{function.place}: {len(function.positional)} by place"
        for function in functions(*BUDGETED)
        if len(function.positional) > POSITIONAL_MAX and not follows_a_foreign_shape(function)
    )


def test_every_parameter_and_result_is_annotated() -> None:
    bare = []
    for function in functions(*BUDGETED):
        stars = [s for s in (function.node.args.vararg, function.node.args.kwarg) if s]
        bare += [
            f"{function.place}: {parameter.arg}"
            for parameter in [*function.parameters, *stars]
            if parameter.annotation is None
        ]
        if function.node.returns is None:
            bare.append(f"{function.place}: result")
    assert_none(bare)


def follows_a_foreign_shape(function: Function) -> bool:
    """A dunder method, or a method of a class that a library's class prescribes."""
    if function.owner is None:
        return False
    name = function.node.name
    if name != "__init__" and name.startswith("__"):
        return True
    if name == "__init__":
        return False
    foreign = foreign_names(function.module)
    return any(root_of(base) in foreign for base in function.owner.bases)


def foreign_names(module: Module) -> set[str]:
    """Names that a module imports from outside the project."""
    found: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            ours = (node.module or "").partition(".")[0] in BUDGETED
            found |= set() if ours else {alias.asname or alias.name for alias in node.names}
    return found - SHAPELESS_BASES


def root_of(base: ast.expr) -> str:
    while isinstance(base, ast.Attribute | ast.Subscript):
        base = base.value
    return base.id if isinstance(base, ast.Name) else ""
