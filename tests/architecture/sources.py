"""The tree as the architecture tests see it: files, modules, functions, imports; nothing is run."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("certs", "signer", "storage", "exchange")
BUDGETED = (*PACKAGES, "bench")
NOT_OURS = {"__pycache__", "dist", "build", "node_modules"}

type_of_function = (ast.FunctionDef, ast.AsyncFunctionDef)
AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One Python file: its path from the root with slashes, its dotted name and its tree."""

    path: str
    name: str
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.endswith("/__init__.py")

    @property
    def first_line(self) -> str:
        """The first line of the docstring, or nothing."""
        return (ast.get_docstring(self.tree) or "").partition("\n")[0].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function or method, with the class it stands in."""

    module: Module
    node: AnyFunction
    owner: ast.ClassDef | None

    @property
    def place(self) -> str:
        owner = f"{self.owner.name}." if self.owner else ""
        return f"{self.module.path}:{self.node.lineno} {owner}{self.node.name}"

    @property
    def lines(self) -> int:
        return (self.node.end_lineno or self.node.lineno) - self.node.lineno + 1

    @property
    def positional(self) -> list[ast.arg]:
        """Parameters that may be given by place, without self and cls."""
        names = [*self.node.args.posonlyargs, *self.node.args.args]
        return names[1:] if self.owner and not is_static(self.node) else names

    @property
    def parameters(self) -> list[ast.arg]:
        """All parameters but self, cls and the starred ones."""
        return [*self.positional, *self.node.args.kwonlyargs]


def is_static(node: AnyFunction) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


@cache
def files() -> tuple[Path, ...]:
    """Every file of the tree that could be committed (no caches, no environment)."""
    return tuple(sorted(walk(ROOT)))


def walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        hidden = path.name.startswith(".") and path.name not in (".ci", ".gitignore")
        if hidden or path.name in NOT_OURS or path.name.endswith(".egg-info"):
            continue
        if path.is_dir():
            yield from walk(path)
        else:
            yield path


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """The Python files below these folders of the root, generated code left out."""
    found = []
    for path in files():
        inside = path.relative_to(ROOT)
        if path.suffix != ".py" or inside.parts[0] not in folders or "_pb2" in path.name:
            continue
        text = path.read_text(encoding="utf-8")
        name = ".".join(inside.with_suffix("").parts).removesuffix(".__init__")
        found.append(Module(path=inside.as_posix(), name=name, text=text, tree=ast.parse(text)))
    return tuple(found)


def assert_none(found: Iterable[str]) -> None:
    """Fail with one line for each thing found (pytest would cut a long list)."""
    lines = list(found)
    assert not lines, "\n".join(["", *lines])


def functions(*folders: str) -> Iterator[Function]:
    """Every function of these folders, nested ones included."""
    for module in modules(*folders):
        yield from functions_within(module, module.tree, None)


def functions_within(
    module: Module, node: ast.AST, owner: ast.ClassDef | None
) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, type_of_function):
            yield Function(module=module, node=child, owner=owner)
            yield from functions_within(module, child, None)
        elif isinstance(child, ast.ClassDef):
            yield from functions_within(module, child, child)
        else:
            yield from functions_within(module, child, owner)


def classes(*folders: str) -> Iterator[tuple[Module, ast.ClassDef]]:
    for module in modules(*folders):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                yield module, node


def imported(module: Module) -> Iterator[str]:
    """Dotted names that a module imports when it runs (not those for type checkers only)."""
    for node in runtime_nodes(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(module, node)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from runtime_nodes(child)


def absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    kept = parts[: len(parts) - node.level + (1 if module.is_package else 0)]
    return ".".join([*kept, node.module] if node.module else kept)
