"""Updates of random kinds, as somebody would append them to a signed document (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from bench.fuzz_appending import Update, read_base, written
from bench.fuzz_seeds import Seed

_TOKEN = re.compile(rb"/[A-Za-z0-9]+|-?\d+(?:\.\d+)?|\([^()]{0,60}\)")
_WORDS: Final = b"BT /F1 14 Tf 72 650 Td (So: 99/QD-UBND, 9.000.000 dong) Tj ET"
_FORM: Final = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] "
_RECT: Final = b"/Rect [50 550 400 800] "

Kind = Callable[[Update, Random], None]


def updated(seed: Seed, chance: Random, **_others: Sequence[Seed]) -> bytes:
    """Append one or two updates, each of one or two random kinds."""
    at = chance.choice((*seed.ends[-2:], seed.ends[-1], seed.ends[-1]))
    content = seed.content[:at]
    for _ in range(1 if chance.random() < 0.8 else 2):
        base = read_base(content)
        update = Update(base, root=base.root, previous=base.previous)
        for _ in range(1 if chance.random() < 0.7 else 2):
            chance.choice(KINDS)(update, chance)
        content += written(update, chance)
    return content


def _stream(entries: bytes = b"", data: bytes = _WORDS) -> bytes:
    return b"<< %b/Length %d >>\nstream\n%b\nendstream" % (entries, len(data), data)


# Kinds of updates: objects written anew.


def _altered_object(update: Update, chance: Random) -> None:
    """Write an object anew with one of its tokens changed."""
    number = chance.choice(list(update.base.objects))
    body = update.body(number)
    tokens = list(_TOKEN.finditer(body[:4000]))
    if tokens:
        token, other = chance.choice(tokens), chance.choice(tokens).group()
        new = chance.choice((other, b"0", b"", b"/Nothing", b"(99)", b"999"))
        update.objects[number] = body[: token.start()] + new + body[token.end() :]


def _same_object(update: Update, chance: Random) -> None:
    """Write an object anew as it was."""
    number = chance.choice(list(update.base.objects))
    update.objects[number] = update.body(number)


def _copied_object(update: Update, chance: Random) -> None:
    """Put one object in the place of another, or let its number name the other's bytes."""
    number, other = (chance.choice(list(update.base.objects)) for _ in range(2))
    if chance.random() < 0.5:
        update.objects[number] = update.body(other)
        return
    places = [
        match.start() + 1 for match in re.finditer(b"\n%d 0 obj" % other, update.base.content)
    ]
    if places:
        update.rows.append((number, chance.choice(places)))


def _older_object(update: Update, chance: Random) -> None:
    """Let a number name an older object of that number again."""
    content = update.base.content
    number = chance.choice(list(update.base.objects))
    places = [match.start() + 1 for match in re.finditer(b"\n%d 0 obj" % number, content)]
    if places:
        update.rows.append((number, chance.choice(places)))


def _other_stream(update: Update, chance: Random) -> None:
    """Overwrite a stream of the document with other words."""
    streams = update.base.of_type(b"stream")
    if streams:
        body = update.body(number := chance.choice(streams))
        kept = re.findall(rb"/(?:Type|Subtype) ?/[A-Za-z]+|/BBox ?\[[^\]]*\]", body)
        update.objects[number] = _stream(b" ".join(kept) + b" ")


def _freed_object(update: Update, chance: Random) -> None:
    update.freed.append(chance.choice(list(update.base.objects)))


# What a catalog, a page or a field may come to name.


def _catalog_entry(update: Update, chance: Random) -> None:
    catalog = update.base.root
    action = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
    launch = b"<< /S /Launch /F (cmd.exe) >>"
    pages = update.base.of_type(b"/Kids")
    entry = chance.choice(
        (
            b"/OpenAction %b" % chance.choice((action, launch)),
            b"/AA << /WC %b >>" % action,
            b"/Names << /JavaScript << /Names [(a) %b] >> >>" % action,
            b"/Names << /EmbeddedFiles << /Names [(a) << /Type /Filespec /F (a) >>] >> >>",
            b"/Pages %d 0 R" % chance.choice(pages or [2]),
            b"/OCProperties << /OCGs [] /D << /OFF [] >> >>",
            b"/Version /2.0",
            b"/Extensions << /ADBE << /BaseVersion /1.7 /ExtensionLevel 8 >> >>",
            b"/Lang (vi)",
            b"/PageMode /UseOutlines",
            b"/ViewerPreferences << /HideToolbar true >>",
            b"/Metadata %d 0 R" % update.add(_stream(b"/Type /Metadata /Subtype /XML ", b"<x/>")),
            b"/DSS << /Certs [%d 0 R] >>" % update.add(_stream(data=b"\x30\x00")),
            b"/Collection << /Type /Collection >>",
            b"/Perms << /DocMDP 6 0 R >>",
            b"/Outlines << /Type /Outlines >>",
            b"/Zzz 1",
        )
    )
    if b"/Pages" in entry and chance.random() < 0.5:
        update.replaced(catalog, rb"/Pages \d+ 0 R", new=entry)
    else:
        update.with_entry(catalog, entry)


def _page_entry(update: Update, chance: Random) -> None:
    pages = update.base.of_type(b"/MediaBox")
    if not pages:
        return
    page = chance.choice(pages)
    words = update.add(_stream())
    note = update.add(
        b"<< /Type /Annot /Subtype /FreeText %b/DA (/Helv 12 Tf) /Contents (99) /AP << /N %d 0 R >>"
        b" /F 4 >>" % (_RECT, update.add(_stream(_FORM)))
    )
    entry, key = chance.choice(
        (
            (b"/Contents %d 0 R" % words, rb"/Contents \d+ 0 R"),
            (b"/Contents [%d 0 R]" % words, rb"/Contents \d+ 0 R"),
            (b"/Annots [%d 0 R]" % note, rb"/Annots ?\[[^\]]*\]"),
            (b"/MediaBox [0 0 300 400]", rb"/MediaBox ?\[[^\]]*\]"),
            (b"/CropBox [100 100 300 400]", rb"/CropBox ?\[[^\]]*\]"),
            (b"/Rotate 90", rb"/Rotate \d+"),
            (b"/UserUnit 2", rb"/UserUnit \d+"),
            (b"/AA << /O << /S /JavaScript /JS (1) >> >>", rb"/AA"),
            (b"/Resources << >>", rb"/Resources \d+ 0 R"),
            (b"/Group << /S /Transparency >>", rb"/Group"),
            (b"/Tabs /S", rb"/Tabs"),
        )
    )
    if chance.random() < 0.5:
        update.replaced(page, key, new=entry)
    else:
        update.with_entry(page, entry)


def _widget_entry(update: Update, chance: Random) -> None:
    fields = update.base.of_type(b"/FT") or update.base.of_type(b"/Widget")
    if not fields:
        return
    field_number = chance.choice(fields)
    look = update.add(_stream(_FORM))
    value = update.base.of_type(b"/ByteRange")
    entry, key = chance.choice(
        (
            (b"/AP << /N %d 0 R >>" % look, rb"/AP ?<<.*?>>"),
            (b"/Rect [0 0 595 842]", rb"/Rect ?\[[^\]]*\]"),
            (b"/F 2", rb"/F \d+"),
            (b"/T (Another)", rb"/T ?\([^)]*\)"),
            (b"/V %d 0 R" % chance.choice(value or [1]), rb"/V \d+ 0 R"),
            (b"/V (99)", rb"/V ?\([^)]*\)"),
            (b"/FT /Tx", rb"/FT ?/\w+"),
            (b"/MK << /BG [1 1 1] /CA (99) >>", rb"/MK"),
            (b"/AA << /E << /S /JavaScript /JS (1) >> >>", rb"/AA"),
            (b"/Kids [%d 0 R]" % look, rb"/Kids"),
            (b"/Lock << /Type /SigFieldLock /Action /All >>", rb"/Lock"),
            (b"/OC << /Type /OCG /Name (x) >>", rb"/OC"),
        )
    )
    if chance.random() < 0.5:
        update.replaced(field_number, key, new=entry)
    else:
        update.with_entry(field_number, entry)


def _further_field(update: Update, chance: Random) -> None:
    """Add a field to the form and to a page: a signature's without one, a copy's, a text's."""
    pages, values = update.base.of_type(b"/MediaBox"), update.base.of_type(b"/ByteRange")
    forms = list(update.base.of_type(b"/Fields"))
    if not pages or not forms:
        return
    kind = chance.choice(
        (
            b"/FT /Sig",
            b"/FT /Sig /V %d 0 R" % chance.choice(values or [1]),
            b"/FT /Sig /V << /Type /Sig >>",
            b"/FT /Tx /V (99)",
        )
    )
    rect = chance.choice((_RECT, b"/Rect [0 0 0 0] ", b"", b"/Rect [0 0 0 500] "))
    look = b"/AP << /N %d 0 R >>" % update.add(_stream(_FORM))
    page = chance.choice(pages)
    number = update.add(
        b"<< /Type /Annot /Subtype /Widget %b /T (Further) /F 4 %b%b /P %d 0 R >>"
        % (kind, rect, chance.choice((look, b"")), page)
    )
    reference = b"%d 0 R" % number
    form = chance.choice(forms)
    update.objects[form] = re.sub(
        rb"/Fields ?\[", lambda match: match.group() + reference + b" ", update.body(form)
    )
    if b"/Annots" in update.body(page):
        update.objects[page] = re.sub(
            rb"/Annots ?\[", lambda match: match.group() + reference + b" ", update.body(page)
        )
    else:
        update.with_entry(page, b"/Annots [%b]" % reference)


def _store(update: Update, chance: Random) -> None:
    """Write a security store whose evidence may be an object of the document."""
    other = chance.choice(list(update.base.objects))
    if chance.random() < 0.6:
        update.objects[other] = _stream()
    entries = b"<< /Cert [%d 0 R] >>" % other
    store = b"<< /Certs [%d 0 R] /VRI << /%b %b >> >>" % (other, b"A1" * 20, entries)
    update.replaced(update.base.root, rb"/DSS \d+ 0 R", new=b"")
    update.with_entry(update.base.root, b"/DSS %d 0 R" % update.add(store))


def _trailer(update: Update, chance: Random) -> None:
    update.trailer += chance.choice(
        (
            b"/Encrypt << /Filter /Standard /V 1 /R 2 /O (%b) /U (%b) /P -4 >>"
            % (b"o" * 32, b"u" * 32),
            b"/Info %d 0 R" % update.add(b"<< /Title (99) >>"),
            b"/ID [<00> <00>]",
            b"/AdditionalStreams [/x %d 0 R]" % update.add(_stream()),
            b"/XRefStm 9",
            b"/Zzz 1",
        )
    )


def _other_previous(update: Update, chance: Random) -> None:
    """Skip revisions, or all of them."""
    found = [int(each) for each in re.findall(rb"startxref\s+(\d+)", update.base.content)]
    update.previous = chance.choice((*found, 0, update.previous + 1))


def _other_root(update: Update, chance: Random) -> None:
    update.root = chance.choice(list(update.base.objects))
    if chance.random() < 0.6:
        update.root = update.add(update.body(update.base.root))


def _nothing(_: Update, __: Random) -> None:
    """Write an update without objects."""


KINDS: Final[tuple[Kind, ...]] = (
    _altered_object,
    _altered_object,
    _same_object,
    _copied_object,
    _older_object,
    _other_stream,
    _freed_object,
    _catalog_entry,
    _catalog_entry,
    _page_entry,
    _page_entry,
    _widget_entry,
    _widget_entry,
    _further_field,
    _further_field,
    _store,
    _trailer,
    _other_previous,
    _other_root,
    _nothing,
)
