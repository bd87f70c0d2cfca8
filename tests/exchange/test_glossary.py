"""The glossary and the code name the same things.

The sources are read, not imported, so that the page is held to all packages without a library.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
PACKAGES = ("certs", "signer", "storage", "exchange")
# The edges speak to people in sentences of their own and have no words of the law.
EDGES = ("exchange/cli", "exchange/client", "exchange/demo", "exchange/server", "exchange/wire")
ENUMERATIONS = {"StrEnum", "IntEnum", "Enum", "Flag", "IntFlag"}
# Codes of our own making, each documented where it is defined: one row for all of their values.
ONE_ROW = {
    "AckOutcome",
    "Effect",
    "EvidenceKind",
    "FieldKind",
    "Leniency",
    "LookWarning",
    "PutOutcome",
    "Reason",
    "RevocationStatus",
    "SubIndication",
    "WarningCode",
}


def classes() -> dict[str, ast.ClassDef]:
    found: dict[str, ast.ClassDef] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not str(path.relative_to(ROOT)).startswith(EDGES):
                tree = ast.parse(path.read_text(encoding="utf-8"))
                found |= {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    return found


def members(node: ast.ClassDef) -> set[str]:
    """Everything that the class body names: values, fields and methods."""
    names = set()
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.FunctionDef(name=name):
                names.add(name)
    return names


def enumerations() -> dict[str, ast.ClassDef]:
    return {
        name: node
        for name, node in classes().items()
        if any(isinstance(base, ast.Name) and base.id in ENUMERATIONS for base in node.bases)
    }


def rows() -> list[list[str]]:
    lines = GLOSSARY.read_text(encoding="utf-8").splitlines()
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line)
    return [row for row in cells if row[0] not in ("Tiếng Việt", "---")]


def named() -> set[str]:
    return {name for row in rows() for name in re.findall(r"`([^`]+)`", row[2])}


def test_every_row_has_its_word_in_both_languages_and_its_place() -> None:
    assert len(rows()) > 100
    assert all(len(row) == 3 and all(row) for row in rows())


def test_every_enumeration_and_each_of_its_values_has_a_row() -> None:
    needed = set()
    for name, node in enumerations().items():
        needed.add(name)
        if name not in ONE_ROW:
            values = {value for value in members(node) if value.isupper()}
            needed |= {f"{name}.{value}" for value in values}
    assert needed - named() == set(), "add these to docs/glossary.md"


def test_every_part_of_the_envelope_has_a_row() -> None:
    tree = ast.parse((ROOT / "exchange/envelope/values.py").read_text(encoding="utf-8"))
    parts = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert parts - named() == set(), "add these to docs/glossary.md"


def test_no_row_names_what_is_not_there() -> None:
    known = classes()
    stale = set()
    for name in named() - {"OrganId"}:
        owner, _, member = name.partition(".")
        if owner not in known or (member and member not in members(known[owner])):
            stale.add(name)
    assert stale == set(), "docs/glossary.md names these"


def test_the_codes_with_one_row_are_enumerations_that_exist() -> None:
    assert enumerations().keys() >= ONE_ROW
