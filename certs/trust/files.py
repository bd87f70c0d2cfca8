"""The trust store as a directory: certificate files, and a trust.toml that gives each its role."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from certs.errors import TrustStoreInvalid
from certs.parsing import DAMAGE
from certs.trust.anchors import AnchorClass, AnchorRole, Block, TrustAnchor, TrustStore

INDEX = "trust.toml"
PENDING = ".pending.json"
"""Names the certificate files of a change that is under way, or that a crash cut short."""
MAX_FILE_BYTES = 1 << 20
MAX_ANCHORS = 1000
CERTIFICATE_SUFFIXES = frozenset({".crt", ".pem"})
_READINGS = 20
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(?:crt|pem)")
_ENTRY_KEYS = {"file", "roles", "blocks", "valid_from", "valid_until", "practice", "class"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustDirectory:
    """What lies in a trust directory: the anchors by their files' names, and what is not named."""

    anchors: Mapping[str, TrustAnchor]
    strays: tuple[str, ...] = ()
    """Certificate files that the index does not name."""
    unfinished: tuple[str, ...] = ()
    """Unnamed files of a change that was cut short; the next change puts them away."""


def load_trust_store(directory: Path, *, allow_practice: bool = False) -> TrustStore:
    """The store written in a directory: *.crt and *.pem files and trust.toml.

    trust.toml holds one [[anchor]] table for each file: file, roles, blocks, valid_from and
    valid_until (offset date-times), class (an AnchorClass), and practice = true for practice
    anchors, which are refused unless allow_practice. Without class a practice anchor is PRACTICE
    and any other UNSTATED: what nobody said must not make an authority công vụ. A certificate
    file that the index does not name is an error, never silently trusted nor silently left out.
    Raises TrustStoreInvalid.
    """
    found = read_trust_directory(directory)
    for name, anchor in found.anchors.items():
        if anchor.practice and not allow_practice:
            raise TrustStoreInvalid(f"{name} is a practice anchor and practice is not allowed here")
    if found.strays:
        raise TrustStoreInvalid(f"{INDEX} does not name {', '.join(found.strays)}")
    return TrustStore(anchors=tuple(found.anchors.values()))


def read_trust_directory(directory: Path) -> TrustDirectory:
    """Read index and files as they were at one moment, whoever else may be changing them.

    Raises TrustStoreInvalid where the index is wrong or names what is not there.
    """
    content = _read(directory / INDEX)
    for _ in range(_READINGS):
        failure: TrustStoreInvalid | None = None
        try:
            # Read before and after the listing, so that no moment of a change is missed.
            pending = read_pending(directory)
            anchors = _anchors(directory, content)
            unnamed = certificate_files(directory) - set(anchors)
            pending |= read_pending(directory)
        except TrustStoreInvalid as error:
            failure = error
        again = _read(directory / INDEX)
        if again != content:
            content = again
            continue
        if failure is not None:
            raise failure
        return TrustDirectory(
            anchors=anchors,
            strays=tuple(sorted(unnamed - pending)),
            unfinished=tuple(sorted(unnamed & pending)),
        )
    raise TrustStoreInvalid(f"{INDEX} changes faster than it can be read")


def check_file_name(file: str) -> None:
    """Refuse what is no plain name of a certificate file; raises TrustStoreInvalid."""
    if not _FILE_NAME.fullmatch(file):
        raise TrustStoreInvalid(f"{file!r} cannot be a file's name")


def certificate_files(directory: Path) -> set[str]:
    """The names of the certificate files that lie in the directory; raises TrustStoreInvalid."""
    try:
        return {each.name for each in directory.iterdir() if each.suffix in CERTIFICATE_SUFFIXES}
    except OSError as error:
        raise TrustStoreInvalid(f"{directory}: {error.strerror}") from error


def read_pending(directory: Path) -> set[str]:
    """The files of a change that is not over; none where there is no such change."""
    try:
        names = json.loads((directory / PENDING).read_bytes())
    except FileNotFoundError:
        return set()
    except (OSError, ValueError) as error:
        raise TrustStoreInvalid(f"{PENDING} cannot be read") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TrustStoreInvalid(f"{PENDING} must be a list of names")
    return set(names)


def write_index(anchors: Mapping[str, TrustAnchor]) -> bytes:
    """The content of trust.toml for these anchors."""
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


def _anchors(directory: Path, content: bytes) -> dict[str, TrustAnchor]:
    try:
        index = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrustStoreInvalid(f"{INDEX}: {error}") from error
    entries = index.get("anchor", [])
    if set(index) - {"anchor"} or not isinstance(entries, list) or len(entries) > MAX_ANCHORS:
        raise TrustStoreInvalid(f"{INDEX} must hold at most {MAX_ANCHORS} [[anchor]] tables only")
    anchors: dict[str, TrustAnchor] = {}
    for entry in entries:
        name, anchor = _anchor(directory, entry)
        if name in anchors:
            raise TrustStoreInvalid(f"{INDEX} names {name} twice")
        anchors[name] = anchor
    return anchors


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
