"""The engine's small steps: ours give what the originals give, for every input."""

# mypy: allow-untyped-calls
from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from io import BytesIO

import pytest
from asn1crypto import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic, misc
from pyhanko.pdf_utils.reader import HistoricalResolver

from certs.practice.authority import Issued
from signer.engine import reading as engine
from signer.engine import steps
from tests.support.hand_signing import hand_signed

SOURCES = {
    "d532d57667257cc8": steps.original_read_until,
    "f8538c1b53dac4d9": steps.original_parse_table,
    "94755d9c35afd3c9": steps.original_subsume,
    "54eaf36a27b85a0a": steps.original_names_equal,
    "459bb8f7135e98f9": steps.original_hashable.fget,
    "f1dbc0ae3565dd56": x509.RelativeDistinguishedName.__eq__,
    "1be2f91e846638a5": x509.RelativeDistinguishedName._get_values,
}


@pytest.mark.parametrize(("digest", "original"), SOURCES.items())
def test_the_source_that_a_step_replaces_is_the_one_it_was_made_for(
    digest: str, original: Callable[..., object]
) -> None:
    """When this fails, compare the new original with ours before correcting the digest."""
    source = inspect.getsource(original)
    assert hashlib.sha256(source.encode("utf-8")).hexdigest().startswith(digest)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=90), st.booleans(), st.none() | st.integers(1, 40))
def test_tokens_end_where_the_original_ends_them(
    content: bytes, delimiters: bool, longest: int | None
) -> None:
    classes = misc.PDF_WHITESPACE + (misc.PDF_DELIMITERS if delimiters else b"")
    found = []
    for read in (steps.read_until, steps.original_read_until):
        stream = BytesIO(b"x" * 5 + content)
        stream.seek(5)
        found.append((read(classes, stream, maxchars=longest), stream.tell()))
    assert found[0] == found[1]


ROWS = st.sampled_from(
    [
        *[b"0000000017 00000 n \n", b"0000000000 65535 f \n", b"0000000912 00003 n\r\n"],
        *[
            b"0000000017 00000 n\n",
            b"17 0 n \n",
            b"0000000017 00000 x \n",
            b"\r000000017 00000 n \n",
        ],
    ]
)
TABLES = st.lists(
    st.tuples(st.sampled_from([b"0 %d\n", b" 7  %d \n", b"3 %d\r\n", b"%d\n"]), st.lists(ROWS)),
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(sections=TABLES, more=st.integers(-1, 1), strict=st.booleans())
def test_tables_are_parsed_as_the_original_parses_them(
    sections: list[tuple[bytes, list[bytes]]], more: int, *, strict: bool
) -> None:
    table = b"\n" + b"".join(
        head % max(0, len(rows) + (more if index == 0 else 0)) + b"".join(rows)
        for index, (head, rows) in enumerate(sections)
    )
    outcomes = []
    for parse in (steps.parse_table, steps.original_parse_table):
        stream = BytesIO(b"xref" + table + b"trailer\n<< /Size 3 >>\nstartxref")
        stream.seek(4)
        found: list[object] = []
        try:
            found += parse(stream, strict)
            found.append(stream.tell())
        except Exception as error:  # the engine raises anything
            found += [type(error), str(error)]
        outcomes.append(found)
    assert outcomes[0] == outcomes[1]


def test_a_large_table_is_parsed_in_pieces() -> None:
    rows = b"".join(b"%010d 00000 n \n" % number for number in range(9000))
    stream = BytesIO(b"0 9000\n" + rows + b"trailer\n<<")
    entries = list(steps.parse_table(stream, strict=True))
    assert [entry.location for entry in entries] == list(range(9000))
    assert [entry.idnum for entry in entries] == list(range(9000))
    assert stream.read() == b"<<"


def test_a_revision_sees_the_same_objects(leader: Issued) -> None:
    document = hand_signed(leader)

    def seen() -> list[object]:
        resolver = HistoricalResolver(engine.open_document(document), 0)
        values = [resolver(generic.Reference(number, 0)) for number in range(1, 7)]
        for value in values:
            parts = dict.values(value) if isinstance(value, dict) else list.__iter__(value)
            for part in parts:
                if isinstance(part, generic.IndirectObject):
                    assert part.get_pdf_handler() is resolver
        return [(type(value), repr(value)) for value in values]

    alone = seen()
    with engine.accelerated():
        assert seen() == alone


PARTS = st.lists(
    st.dictionaries(
        st.sampled_from(["common_name", "organization_name", "country_name", "serial_number"]),
        st.text("aAbB  é\u00ad\u0600\ue000", max_size=4),
        min_size=1,
        max_size=2,
    ),
    max_size=3,
)


def name_of(parts: list[dict[str, str]]) -> x509.RDNSequence:
    built = x509.RDNSequence(
        [
            x509.RelativeDistinguishedName(
                [
                    x509.NameTypeAndValue(
                        {"type": kind, "value": x509.DirectoryString("utf8_string", text)}
                    )
                    for kind, text in part.items()
                ]
            )
            for part in parts
        ]
    )
    return x509.RDNSequence.load(built.dump())


@settings(max_examples=200, deadline=None)
@given(PARTS, PARTS, st.booleans())
def test_names_are_compared_as_the_original_compares_them(
    first: list[dict[str, str]], second: list[dict[str, str]], same: bool
) -> None:
    one, other = name_of(first), name_of(first if same else second)

    def outcome(ask: Callable[[], object]) -> object:
        try:
            return ask()
        except ValueError as error:
            return str(error)

    for _ in range(2):
        assert outcome(lambda: steps.names_equal(one, other)) == outcome(
            lambda: steps.original_names_equal(one, other)
        )
        assert outcome(lambda: steps.hashable_name(one)) == outcome(
            lambda: steps.original_hashable.__get__(one)
        )
    assert not steps.names_equal(one, "another kind")
