"""Changing the trust directory: one change at a time, whole or not at all, and none forgotten.

A change is first announced (the certificate files it touches), then written (files, index), then
over. Whoever reads in between sees the store before or after it; what a crash leaves behind is
unnamed, therefore not trusted, and put away by the next change.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import TrustStoreInvalid
from certs.practice.files import write_file
from certs.trust.anchors import TrustAnchor
from certs.trust.files import (
    INDEX,
    MAX_ANCHORS,
    PENDING,
    check_file_name,
    read_pending,
    read_trust_directory,
    write_index,
)

HISTORY = "history.jsonl"
"""What was done to the store: one JSON object a line, with the certificate, never shortened."""
_LOCK = ".lock"


class TrustAct(StrEnum):
    """What was done to an anchor."""

    ADDED = "ADDED"
    """trusted from now on"""
    CHANGED = "CHANGED"
    """its window, roles, blocks or class were changed"""
    REMOVED = "REMOVED"
    """taken out of the store; the history keeps it"""


class TrustChange:
    """A change that is being put together; it is written when its block ends without an error."""

    def __init__(self, anchors: dict[str, TrustAnchor]) -> None:
        self.before = dict(anchors)
        self.anchors = dict(anchors)
        """By their files' names, as they will be."""
        self.beside: dict[str, bytes] = {}
        """Other files of the directory that belong to the change, by name."""

    def put(self, file: str, anchor: TrustAnchor) -> None:
        """Add an anchor, or give that of this file other properties. Raises TrustStoreInvalid."""
        check_file_name(file)
        self.anchors[file] = anchor

    def remove(self, file: str) -> None:
        """Take an anchor out; only the history keeps it."""
        del self.anchors[file]

    def acts(self) -> Iterator[tuple[TrustAct, str, TrustAnchor]]:
        """What the change does, file by file."""
        for file, anchor in self.anchors.items():
            old = self.before.get(file)
            if old is None:
                yield TrustAct.ADDED, file, anchor
            elif old != anchor:
                yield TrustAct.CHANGED, file, anchor
        for file in self.before.keys() - self.anchors.keys():
            yield TrustAct.REMOVED, file, self.before[file]


@contextmanager
def changing(directory: Path, *, at: datetime) -> Iterator[TrustChange]:
    """Change the store in this directory, which is made if need be; others wait for their turn.

    at: the present moment, which the history notes. Raises TrustStoreInvalid when what is there is
    not a valid store, or can't be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise TrustStoreInvalid(f"{directory}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _put_away_unfinished(directory)
        change = TrustChange(_present(directory))
        yield change
        _write(directory, change, at=at)
    except OSError as error:
        raise TrustStoreInvalid(f"{directory}: {error.strerror}") from error
    finally:
        os.close(descriptor)


def write_trust_anchor(directory: Path, anchor: TrustAnchor, *, name: str, at: datetime) -> None:
    """Add the anchor to the directory as <name>.crt, replacing an anchor of that name.

    Raises TrustStoreInvalid when what is already there is not a valid store, or the name is not a
    plain file name.
    """
    with changing(directory, at=at) as change:
        change.put(f"{name}.crt", anchor)


def _present(directory: Path) -> dict[str, TrustAnchor]:
    if not (directory / INDEX).exists():
        return {}
    return dict(read_trust_directory(directory).anchors)


def _put_away_unfinished(directory: Path) -> None:
    if not read_pending(directory):
        return
    if (directory / INDEX).exists():
        found = read_trust_directory(directory)
        for file in found.unfinished:
            (directory / file).unlink(missing_ok=True)
    else:
        for file in read_pending(directory):
            check_file_name(file)
            (directory / file).unlink(missing_ok=True)
    (directory / PENDING).unlink()


def _write(directory: Path, change: TrustChange, *, at: datetime) -> None:
    if len(change.anchors) > MAX_ANCHORS:
        raise TrustStoreInvalid(f"a store has at most {MAX_ANCHORS} anchors")
    before, after = change.before, change.anchors
    if _mixed(after) and not _mixed(before):
        raise TrustStoreInvalid("practice and real anchors never share a store")
    acts = list(change.acts())
    if not acts and not change.beside and (directory / INDEX).exists():
        return
    written = [
        file
        for file, anchor in after.items()
        if file not in before or before[file].der != anchor.der
    ]
    gone = [file for file in before if file not in after]
    write_file(directory / PENDING, json.dumps([*written, *gone]).encode(), private=False)
    _remember(directory, acts, at=at)
    kept = {file: anchor for file, anchor in before.items() if file not in written}
    if len(kept) != len(before):
        # Another certificate under a name must never meet the roles of the one before it.
        write_file(directory / INDEX, write_index(kept), private=False)
    for file in written:
        pem = after[file].certificate.public_bytes(Encoding.PEM)
        write_file(directory / file, pem, private=False)
    for name, content in change.beside.items():
        write_file(directory / name, content, private=False)
    write_file(directory / INDEX, write_index(after), private=False)
    for file in gone:
        (directory / file).unlink(missing_ok=True)
    (directory / PENDING).unlink()


def _mixed(anchors: Mapping[str, TrustAnchor]) -> bool:
    return len({anchor.practice for anchor in anchors.values()}) > 1


def _remember(
    directory: Path, acts: list[tuple[TrustAct, str, TrustAnchor]], *, at: datetime
) -> None:
    # Before the change itself: rather a line about what did not happen than an act without one.
    lines = [
        json.dumps(
            {
                "at": at.isoformat(timespec="seconds"),
                "act": act,
                "file": file,
                "sha256": anchor.certificate.fingerprint(hashes.SHA256()).hex(),
                "roles": sorted(anchor.roles),
                "blocks": sorted(anchor.blocks),
                "valid_from": anchor.valid_from.isoformat(),
                "valid_until": anchor.valid_until.isoformat(),
                "class": anchor.anchor_class,
                "practice": anchor.practice,
                "certificate": anchor.certificate.public_bytes(Encoding.PEM).decode("ascii"),
            }
        )
        for act, file, anchor in acts
    ]
    if not lines:
        return
    with (directory / HISTORY).open("ab") as file:
        file.write(("\n".join(lines) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())
