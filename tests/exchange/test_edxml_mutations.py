"""Damaged and bent messages: each is read, or refused with an error of ours; nothing else."""

import hashlib
import pickle
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from exchange.edxml import ReadDocument, read_edxml, write_edxml_document
from exchange.envelope import Envelope
from exchange.errors import EnvelopeInvalid
from tests.support.envelopes import WORKED, document_text
from tests.support.made_envelopes import envelopes

MESSAGES = {path.stem: path.read_bytes() for path in sorted(WORKED.glob("*.edxml"))}
TOKENS = [
    *(
        b"<",
        b">",
        b"/>",
        b"</",
        b"&",
        b"&#0;",
        b"&#x110000;",
        b"&lt;",
        b"]]>",
        b"<![CDATA[",
        b"-->",
    ),
    *(
        b"<!--",
        b"<?",
        b"<?xml",
        b"<!DOCTYPE a [",
        b"<!ENTITY x '&x;'>",
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
    ),
    *(
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"null",
        b"=",
        b"cid:",
        b"PK\x03\x04",
        b"xmlns=''",
        b" xmlns:edXML=''",
    ),
]
TEXTS = [
    *("", " ", "null", "0", "-1", "1e9", "9" * 4_000, "2014/02/30", "9999/12/31 23:59:59"),
    *("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026/11/20 08:15:02 CH", "+99:99"),
    *(
        "a/b\\c",
        "..",
        "\u202e",
        "\u2028",
        "cid:",
        "cid:cid:",
        ",,,",
        "\U0010ffff",
        "٣/٣",
        "\r\n",
        "UEsDBA==",
    ),
]


def read_or_refused(content: bytes) -> None:
    try:
        read = read_edxml(content)
    except EnvelopeInvalid:
        return
    assert pickle.loads(pickle.dumps(read)) == read
    if isinstance(read, ReadDocument):
        assert tuple(each.ref for each in read.attachments) == read.envelope.attachments
        for each in read.attachments:
            assert each.ref.digest == hashlib.sha256(each.content).hexdigest()
            assert each.ref.size_bytes == len(each.content)


def bent_bytes(content: bytes, chance: random.Random) -> bytes:
    bent = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(bent))
        end = min(len(bent), at + chance.choice((1, 1, 4, 40, 400)))
        match chance.randrange(5):
            case 0:
                bent[at] ^= 1 << chance.randrange(8)
            case 1:
                del bent[at:end]
            case 2:
                bent[at:at] = chance.choice(TOKENS)
            case 3:
                bent[at:end] = chance.choice(TOKENS)
            case _:
                bent[at:at] = bent[at:end]
        if not bent:
            return b""
    return bytes(bent)


def bent_elements(content: bytes, chance: random.Random) -> bytes:
    root = etree.fromstring(content)
    for _ in range(chance.randint(1, 5)):
        elements = [each for each in root.iter() if isinstance(each.tag, str)]
        chosen, other = chance.choice(elements), chance.choice(elements)
        parent = chosen.getparent()
        match chance.randrange(6):
            case 0 | 1:
                chosen.text = chance.choice(TEXTS)
            case 2 if parent is not None:
                parent.remove(chosen)
            case 3:
                chosen.tag = other.tag
            case 4 if other not in chosen.iter():
                other.append(etree.fromstring(etree.tostring(chosen)))
            case _:
                chosen.set("href", chance.choice(TEXTS))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_with_damaged_bytes_are_read_or_refused(name: str) -> None:
    chance = random.Random(name)
    for _ in range(60):
        read_or_refused(bent_bytes(MESSAGES[name], chance))


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_with_bent_elements_are_read_or_refused(name: str) -> None:
    chance = random.Random(name)
    for _ in range(60):
        read_or_refused(bent_elements(MESSAGES[name], chance))


@settings(max_examples=60, deadline=None)
@given(envelopes(), st.randoms(use_true_random=False))
def test_any_message_of_ours_may_be_damaged(
    made: tuple[Envelope, dict[str, bytes]], chance: random.Random
) -> None:
    read_or_refused(bent_bytes(write_edxml_document(*made), chance))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_read_or_refused(noise: bytes) -> None:
    read_or_refused(noise)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=80))
def test_any_text_stands_in_any_field(text: str) -> None:
    plain = etree.fromstring(document_text().encode())
    safe = "".join(c for c in text if c.isprintable() and ord(c) < 0xD800)
    for element in plain.iter():
        if not len(element):
            element.text = safe
            read_or_refused(etree.tostring(plain))


def test_a_message_cut_anywhere_is_refused_and_one_cut_nowhere_is_read() -> None:
    whole = document_text().encode()
    for end in range(0, len(whole) - 1, 13):
        with pytest.raises(EnvelopeInvalid):
            read_edxml(whole[:end])
    read_or_refused(Path(WORKED / "worked-0-new.edxml").read_bytes())
