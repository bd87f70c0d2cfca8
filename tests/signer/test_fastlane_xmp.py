"""XMP packets: what is learnt of a shape holds for every text in it, or the packet is not taken."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import pytest
from pyhanko.pdf_utils.metadata import model, xmp_xml

from signer.fastlane.tokens import NotPlain
from signer.fastlane.xmp import new_packet, updated_packet

CHANGED_AT = datetime(2026, 3, 2, 8, 30, 1, 5, tzinfo=timezone(timedelta(hours=7)))
HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
TEXTS = (
    *("Quyết định", " both ends ", "http://a.vn/b", "https://a.vn", "x-default", "Resource"),
    *("", " ", "\n ", "a\tb", "0", "2026-03-02", "http", "😀", "1987-06-05T04:03:02+00:00"),
)
NAMES = (
    "dc:title",
    "dc:creator",
    "xmp:ModifyDate",
    "pdf:Producer",
    "pdfaid:part",
    "u:own",
    "dc:a-b",
)


def through_the_engine(packet: bytes) -> bytes:
    noted = model.DocumentMetadata(last_modified=CHANGED_AT)
    roots = xmp_xml.update_xmp_with_meta(noted, roots=xmp_xml.parse_xmp(BytesIO(packet)))
    out = BytesIO()
    xmp_xml.serialise_xmp(roots, out)
    return out.getvalue()


def random_packet(dice: random.Random) -> bytes:
    """A packet of elements, attributes, arrays and structures with any texts."""
    attributes = [
        f'{name}="{dice.choice(TEXTS)}"' for name in dice.sample(NAMES, dice.randrange(3))
    ]
    elements = []
    for name in dice.sample(NAMES, dice.randrange(1, 5)):
        text = dice.choice(TEXTS)
        match dice.randrange(6):
            case 0:
                body = f"<{name}>{text}</{name}>"
            case 1:
                body = (
                    f"<{name}><rdf:Alt><rdf:li xml:lang='x-default'>{text}</rdf:li>"
                    f'<rdf:li xml:lang="vi">{dice.choice(TEXTS)}</rdf:li></rdf:Alt></{name}>'
                )
            case 2:
                body = f'<{name} rdf:parseType="Resource"><u:in>{text}</u:in></{name}>'
            case 3:
                body = f'<{name} rdf:resource="{text}"/>'
            case 4:
                body = f'<{name} u:in="{text}" dc:title="{dice.choice(TEXTS)}"/>'
            case _:
                body = f"<{name}><rdf:Description><u:in>{text}</u:in></rdf:Description></{name}>"
        elements.append(body)
    gap = dice.choice(("", "\n", "\n  "))
    return (
        f'{HEAD}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        f'rdf:about="{dice.choice(("", "uuid:1"))}" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/" '
        'xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:u="urn:u" '
        f"{' '.join(attributes)}>{gap}{gap.join(elements)}{gap}</rdf:Description></rdf:RDF>"
        "</x:xmpmeta><?xpacket end='w'?>"
    ).encode()


@pytest.mark.parametrize("seed", [1, 2])
def test_random_packets_become_what_the_engine_makes_of_them(seed: int) -> None:
    dice = random.Random(seed)
    taken = 0
    for _ in range(400):
        packet = random_packet(dice)
        try:
            updated = updated_packet(packet, modified_at=CHANGED_AT)
        except NotPlain:
            continue
        assert updated == through_the_engine(packet), packet.decode()
        taken += 1
    assert taken > 100


def test_a_new_packet_is_what_the_engine_writes() -> None:
    noted = model.DocumentMetadata(last_modified=CHANGED_AT)
    out = BytesIO()
    xmp_xml.serialise_xmp(xmp_xml.update_xmp_with_meta(noted), out)
    assert new_packet(CHANGED_AT) == out.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        ("<rdf:RDF", "<!-- a --><rdf:RDF"),
        ("Quyết", "Quy&#7871;t"),
        ("Quyết", "\ue000"),
        ("<?xpacket", "<!DOCTYPE a [<!ENTITY b 'c'>]><?xpacket"),
        ('xmlns:rdf="', 'xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:rdf="'),
        ("</rdf:RDF>", ""),
    ],
    ids=["comment", "reference", "our mark", "declaration", "another prefix", "unclosed"],
)
def test_unusual_packets_are_left_to_the_engine(change: tuple[str, str]) -> None:
    packet = (
        f'{HEAD}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/'
        '22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/'
        '1.1/"><dc:title>Quyết</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>'
    )
    at = datetime(2026, 3, 2, tzinfo=UTC)
    assert updated_packet(packet.encode(), modified_at=at)
    with pytest.raises(NotPlain):
        updated_packet(packet.replace(*change).encode(), modified_at=at)


DESCRIBED = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:u="u"{}</rdf:RDF>'
)
COSTLY = {
    "a text that ends otherwise": "><u:a>" + "a" * 90_000 + '"</u:a>',
    "a text of spaces": "><u:a>" + " " * 90_000 + '"</u:a>',
    "a name without a value": "><u:a " + "a" * 90_000 + "/>",
    "a name of many parts": "><u:a " + "a.:" * 30_000 + "/>",
    "many elements": ">" + "".join(f"<u:a{number}/>" for number in range(9_000)),
    "many attributes": " ".join(["", *(f'u:a{number}=""' for number in range(7_000))]) + ">",
    "deep elements": ">" + "<u:a>" * 8_000 + "</u:a>" * 8_000,
}


@pytest.mark.parametrize("kind", COSTLY)
def test_packets_made_to_cost_much_cost_little(kind: str) -> None:
    begun = time.process_time()
    with suppress(NotPlain):
        updated_packet(DESCRIBED.format(COSTLY[kind]).encode(), modified_at=CHANGED_AT)
    assert time.process_time() - begun < 0.5
