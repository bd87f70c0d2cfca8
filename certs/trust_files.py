"""The trust store as a directory: certificate files, and a trust.toml that gives each its role."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.anchors import AnchorClass, AnchorRole, Block, TrustAnchor, TrustStore
from certs.authority_files import write_file
from certs.errors import TrustStoreInvalid
from certs.parsing import DAMAGE

INDEX = "trust.toml"
MAX_FILE_BYTES = 1 << 20
MAX_ANCHORS = 1000
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(?:crt|pem)")
_ENTRY_KEYS = {"file", "roles", "blocks", "valid_from", "valid_until", "practice", "class"}


def load_trust_store(directory: Path, *, allow_practice: bool = False) -> TrustStore:
    """The store written in a directory: *.crt and *.pem files and trust.toml.

    trust.toml holds one [[anchor]] table for each file: file, roles, blocks, valid_from and
    valid_until (offset date-times), class (an AnchorClass), and practice = true for practice
    anchors, which are refused unless allow_practice. Without class a practice anchor is PRACTICE
    and any other UNSTATED: what nobody said must not make an authority công vụ. A certificate
    file that the index does not name is an error, never silently trusted nor silently left out.
    Raises TrustStoreInvalid.
    """
    try:
        index = tomllib.loads(_read(directory / INDEX).decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrustStoreInvalid(f"{INDEX}: {error}") from error
    entries = index.get("anchor", [])
    if set(index) - {"anchor"} or not isinstance(entries, list) or len(entries) > MAX_ANCHORS:
        raise TrustStoreInvalid(f"{INDEX} must hold [[anchor]] tables only")
    anchors: dict[str, TrustAnchor] = {}
    for entry in entries:
        name, anchor = _anchor(directory, entry)
        if name in anchors:
            raise TrustStoreInvalid(f"{INDEX} names {name} twice")
        if anchor.practice and not allow_practice:
            raise TrustStoreInvalid(f"{name} is a practice anchor and practice is not allowed here")
        anchors[name] = anchor
    _refuse_strays(directory, anchors)
    return TrustStore(anchors=tuple(anchors.values()))


def write_trust_anchor(directory: Path, anchor: TrustAnchor, *, name: str) -> None:
    """Add the anchor to the directory as <name>.crt, replacing an anchor of that name.

    The file is written before the index that names it. Raises TrustStoreInvalid when what is
    already there is not a valid store, or the name is not a plain file name.
    """
    file = f"{name}.crt"
    if not _FILE_NAME.fullmatch(file):
        raise TrustStoreInvalid(f"{name!r} cannot be a file's name")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        present: dict[str, TrustAnchor] = {}
        if (directory / INDEX).exists():
            index = tomllib.loads(_read(directory / INDEX).decode("utf-8"))
            present = dict(_anchor(directory, entry) for entry in index.get("anchor", []))
        present[file] = anchor
        pem = anchor.certificate.public_bytes(Encoding.PEM)
        write_file(directory / file, pem, private=False)
        write_file(directory / INDEX, _index(present), private=False)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrustStoreInvalid(f"{INDEX}: {error}") from error
    except OSError as error:
        raise TrustStoreInvalid(f"{directory}: {error.strerror}") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise TrustStoreInvalid(f"{path.name}: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise TrustStoreInvalid(f"{path.name} is larger than {MAX_FILE_BYTES} bytes")
    return content


def _anchor(directory: Path, entry: object) -> tuple[str, TrustAnchor]:
    if not isinstance(entry, dict) or not _ENTRY_KEYS.issuperset(entry):
        raise TrustStoreInvalid(f"an [[anchor]] may only have {', '.join(sorted(_ENTRY_KEYS))}")
    name = entry.get("file")
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name):
        raise TrustStoreInvalid(f"an [[anchor]] of {INDEX} names no plain *.crt or *.pem file")
    practice = entry.get("practice", False)
    if not isinstance(practice, bool):
        raise TrustStoreInvalid(f"{name}: practice must be true or false")
    try:
        return name, TrustAnchor(
            certificate=_certificate(_read(directory / name), name),
            roles=frozenset(AnchorRole(role) for role in _words(entry, "roles")),
            blocks=frozenset(Block(block) for block in _words(entry, "blocks")),
            valid_from=_instant(entry, "valid_from"),
            valid_until=_instant(entry, "valid_until"),
            practice=practice,
            anchor_class=AnchorClass(_class_word(entry)),
        )
    except ValueError as error:
        raise TrustStoreInvalid(f"{name}: {error}") from error
    except TrustStoreInvalid as error:
        detail = error.detail if error.detail.startswith(name) else f"{name}: {error.detail}"
        raise TrustStoreInvalid(detail) from error


def _certificate(content: bytes, name: str) -> x509.Certificate:
    try:
        if b"-----BEGIN" not in content:
            return x509.load_der_x509_certificate(content)
        found = x509.load_pem_x509_certificates(content)
    except DAMAGE as error:
        raise TrustStoreInvalid(f"{name} is not a certificate") from error
    if len(found) != 1:
        raise TrustStoreInvalid(f"{name} holds {len(found)} certificates instead of one")
    return found[0]


def _words(entry: Mapping[str, object], key: str) -> list[str]:
    words = entry.get(key)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise TrustStoreInvalid(f"{key} must be a list of words")
    return words


def _class_word(entry: Mapping[str, object]) -> str:
    word = entry.get("class", AnchorClass.UNSTATED.value)
    if not isinstance(word, str):
        raise TrustStoreInvalid("class must be a word")
    return word


def _instant(entry: Mapping[str, object], key: str) -> datetime:
    moment = entry.get(key)
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise TrustStoreInvalid(f"{key} must be a date and time with its offset")
    return moment.astimezone(UTC)


def _refuse_strays(directory: Path, anchors: Mapping[str, TrustAnchor]) -> None:
    try:
        present = {path.name for path in directory.iterdir() if path.suffix in {".crt", ".pem"}}
    except OSError as error:
        raise TrustStoreInvalid(f"{directory}: {error.strerror}") from error
    if strays := sorted(present - set(anchors)):
        raise TrustStoreInvalid(f"{INDEX} does not name {', '.join(strays)}")


def _index(anchors: Mapping[str, TrustAnchor]) -> bytes:
    tables = [
        "\n".join(
            (
                "[[anchor]]",
                f"file = {json.dumps(name)}",
                f"roles = {json.dumps(sorted(anchor.roles))}",
                f"blocks = {json.dumps(sorted(anchor.blocks))}",
                f"valid_from = {anchor.valid_from.isoformat()}",
                f"valid_until = {anchor.valid_until.isoformat()}",
                f"practice = {json.dumps(anchor.practice)}",
                f"class = {json.dumps(anchor.anchor_class)}",
            )
        )
        for name, anchor in anchors.items()
    ]
    return ("\n\n".join(tables) + "\n").encode()
