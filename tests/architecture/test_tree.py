"""What must not be in the tree: addresses of registries, private paths, open ends, silent skips."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from tests.architecture.sources import ROOT, Module, assert_none, files, modules

PACKAGE_REGISTRY = re.compile(
    r"""pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|repo1?\.maven|docker\.io|ghcr\.io|quay\.io
      | crates\.io | deb\.debian\.org | archive\.ubuntu\.com | proxy\.golang | index-url | index_url
      | --find-links | PIP_INDEX""",
    re.VERBOSE,
)
PRIVATE_PATH = re.compile(r"(?<![\w.~-])/[w]ork(?![\w-])")
OPEN_END = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))")
WORDS_OF_PYTEST = {"skip", "skipif", "xfail", "importorskip", "SkipTest", "expectedFailure"}

# The one place where a test may be skipped: the marker that names the tool a judge needs.
KEEPER_OF_SKIPS = "tests/conftest.py"


def texts() -> Iterator[tuple[str, str]]:
    for path in files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures and PDFs


def lines_with(pattern: re.Pattern[str]) -> Iterator[str]:
    for path, text in texts():
        if path != "tests/architecture/test_tree.py":
            for number, line in enumerate(text.split("\n"), 1):
                if pattern.search(line):
                    yield f"{path}:{number}: {line.strip()[:120]}"


def test_no_registry_address_stands_in_the_tree() -> None:
    assert_none(lines_with(PACKAGE_REGISTRY))


def test_no_path_of_a_private_machine_stands_in_the_tree() -> None:
    assert_none(lines_with(PRIVATE_PATH))


def test_no_comment_leaves_an_end_open_without_its_issue() -> None:
    assert_none(
        f"{module.path}:{token.start[0]}: {token.string}"
        for module in modules("certs", "signer", "storage", "exchange", "bench", "tests")
        for token in tokenize.generate_tokens(io.StringIO(module.text).readline)
        if token.type == tokenize.COMMENT and OPEN_END.search(token.string)
    )


def test_no_init_file_shadows_the_packages() -> None:
    inits = [path.relative_to(ROOT) for path in files() if path.name == "__init__.py"]
    assert_none(str(path) for path in inits if path.parts[0] == "tests" or len(path.parts) == 1)
    assert not (ROOT / "proto" / "__init__.py").exists()


def test_lock_files_pin_every_package_with_hashes_and_name_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        entries = re.split(r"\n(?=\S)", text.replace("\\\n", " "))
        packages = [entry for entry in entries if entry.strip() and not entry.startswith("#")]
        assert packages
        assert_none(entry[:80] for entry in packages if "--hash=sha256:" not in entry)
        assert_none(entry[:80] for entry in packages if not re.match(r"[\w.\-\[\],]+==\S", entry))


def test_a_test_is_skipped_only_through_the_marker_that_names_the_missing_tool() -> None:
    assert_none(
        f"{module.path}:{line}: {word}"
        for module in modules("tests")
        if module.path != KEEPER_OF_SKIPS
        for line, word in words_of_pytest(module)
    )


def words_of_pytest(module: Module) -> Iterator[tuple[int, str]]:
    nodes = list(ast.walk(module.tree))
    # pytest.skip.Exception is what a test of the keeper expects; naming it skips nothing.
    named = {id(n.value) for n in nodes if isinstance(n, ast.Attribute) and n.attr == "Exception"}
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr in WORDS_OF_PYTEST:
            yield from [(node.lineno, node.attr)] if id(node) not in named else []
        elif isinstance(node, ast.ImportFrom) and node.module in ("pytest", "unittest"):
            yield from ((node.lineno, a.name) for a in node.names if a.name in WORDS_OF_PYTEST)
