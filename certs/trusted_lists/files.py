"""Trusted lists in the trust directory: their anchors, and which list was the last one.

The directory remembers each list under the name that the operator gave it, with its sequence
number, so that nobody can put an older list, or another one, in its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from certs.errors import AnchorRefused, TrustedListRolledBack, TrustStoreInvalid
from certs.trust.anchor_rules import AnchorRefusal
from certs.trust.anchors import AnchorClass, Block, TrustAnchor
from certs.trust.changes import TrustAct, TrustChange, changing
from certs.trusted_lists.anchors import Skipped, anchors_of
from certs.trusted_lists.lists import TrustedList

LISTS = "trusted-lists.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownList:
    """The last list that was imported under a name."""

    sha256: str
    sequence: int
    kind: str
    territory: str
    operator: str
    issued_at: datetime
    next_update_at: datetime
    files: tuple[str, ...]
    """The anchors that came from it."""
    left_out: tuple[str, ...] = ()
    """SHA-256 (hex) of certificates that the operator does not trust, whatever the list says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListImport:
    """What importing a list did: to which anchors, and which services became none."""

    acts: tuple[tuple[TrustAct, str, TrustAnchor], ...]
    ended: tuple[str, ...]
    """Anchors of services that the list names no longer; their windows end with its issue."""
    skipped: tuple[Skipped, ...]


def import_trusted_list(
    directory: Path,
    listed: TrustedList,
    *,
    name: str,
    blocks: frozenset[Block],
    anchor_class: AnchorClass,
    at: datetime,
) -> ListImport:
    """Make the store say of this list's services what the list says, and remember the list.

    Raises TrustedListRolledBack for an older or another list than the last of this name,
    AnchorRefused in a practice store, TrustStoreInvalid.
    """
    if not _NAME.fullmatch(name):
        raise TrustStoreInvalid(f"{name!r}: a list's name has a-z, 0-9 and '-', at most 32")
    anchors, skipped = anchors_of(listed, blocks=blocks, anchor_class=anchor_class)
    with changing(directory, at=at) as change:
        known = read_known_lists(directory)
        previous = known.get(name)
        if previous is not None:
            _refuse_older(listed, previous)
        if any(each.practice for each in change.before.values()):
            raise AnchorRefused(AnchorRefusal.PRACTICE_MIXED)
        left_out = previous.left_out if previous else ()
        files = _named(name, [each for each in anchors if sha256_of(each) not in left_out])
        kept = _replace(change, files, previous=previous, issued_at=listed.issued_at)
        known[name] = KnownList(
            sha256=listed.sha256,
            sequence=listed.sequence,
            kind=listed.kind,
            territory=listed.territory,
            operator=listed.operator,
            issued_at=listed.issued_at,
            next_update_at=listed.next_update_at,
            files=(*files, *kept),
            left_out=left_out,
        )
        change.beside[LISTS] = _written(known)
        ended = tuple(file for file in kept if change.anchors[file] != change.before[file])
        return ListImport(acts=tuple(change.acts()), ended=ended, skipped=skipped)


def read_known_lists(directory: Path) -> dict[str, KnownList]:
    """The lists that were imported, by name; raises TrustStoreInvalid."""
    try:
        with (directory / LISTS).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise TrustStoreInvalid(f"{LISTS}: {error.strerror}") from error
    try:
        if len(content) > _MAX_BYTES:
            raise TrustStoreInvalid(f"{LISTS} is larger than {_MAX_BYTES} bytes")
        return {
            name: KnownList(
                **{
                    **fields,
                    "issued_at": datetime.fromisoformat(fields["issued_at"]),
                    "next_update_at": datetime.fromisoformat(fields["next_update_at"]),
                    "files": tuple(fields["files"]),
                    "left_out": tuple(fields["left_out"]),
                }
            )
            for name, fields in json.loads(content).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrustStoreInvalid(f"{LISTS} cannot be read") from error


def leave_out(directory: Path, change: TrustChange, *, file: str) -> str:
    """Note that the operator decided on this anchor himself; gives the name of the list it is from.

    The next import leaves the certificate as it is. "" for an anchor of no list.
    """
    known = read_known_lists(directory)
    for name, each in known.items():
        if file in each.files:
            digest = sha256_of(change.before[file])
            left_out = tuple(sorted({*each.left_out, digest}))
            known[name] = replace(each, left_out=left_out)
            change.beside[LISTS] = _written(known)
            return name
    return ""


def sha256_of(anchor: TrustAnchor) -> str:
    """The fingerprint of an anchor's certificate, hex."""
    return anchor.certificate.fingerprint(hashes.SHA256()).hex()


def _refuse_older(listed: TrustedList, previous: KnownList) -> None:
    if (listed.territory, listed.kind) != (previous.territory, previous.kind):
        raise TrustedListRolledBack(
            f"the last one is of {previous.territory} and this one of {listed.territory}"
        )
    if listed.sequence < previous.sequence or (
        listed.sequence == previous.sequence and listed.sha256 != previous.sha256
    ):
        raise TrustedListRolledBack(f"number {listed.sequence} after number {previous.sequence}")
    if listed.issued_at < previous.issued_at:
        raise TrustedListRolledBack("it was issued before the last one")


def _named(name: str, anchors: Iterable[TrustAnchor]) -> dict[str, TrustAnchor]:
    """File names that stay the same from list to list: certificate and beginning of the window."""
    files: dict[str, TrustAnchor] = {}
    for anchor in anchors:
        stem = f"{name}-{sha256_of(anchor)[:16]}-{anchor.valid_from:%Y%m%d}"
        file, number = f"{stem}.crt", 1
        while file in files:
            number += 1
            file = f"{stem}-{number}.crt"
        files[file] = anchor
    return files


def _replace(
    change: TrustChange,
    files: Mapping[str, TrustAnchor],
    *,
    previous: KnownList | None,
    issued_at: datetime,
) -> tuple[str, ...]:
    """Put the list's anchors in the place of those of the list before it; gives what else stays."""
    if strangers := sorted((files.keys() & change.before.keys()) - set(_files(previous))):
        raise TrustStoreInvalid(f"{strangers[0]} is there already and from no list")
    listed = {anchor.der for anchor in files.values()}
    kept = []
    for file in _files(previous):
        old = change.anchors.get(file)
        if old is None or file in files:
            continue
        if previous and sha256_of(old) in previous.left_out:
            kept.append(file)
            continue
        if old.der in listed or old.valid_from >= issued_at:
            # The list tells this certificate's whole history; what it says now counts.
            change.remove(file)
            continue
        # A list that forgets a service takes nothing back of what was signed before.
        if old.valid_until > issued_at:
            change.put(file, replace(old, valid_until=issued_at))
        kept.append(file)
    for file, anchor in files.items():
        change.put(file, anchor)
    return tuple(kept)


def _files(known: KnownList | None) -> tuple[str, ...]:
    return known.files if known else ()


def _written(known: Mapping[str, KnownList]) -> bytes:
    content = {
        name: {
            **asdict(each),
            "issued_at": each.issued_at.isoformat(),
            "next_update_at": each.next_update_at.isoformat(),
        }
        for name, each in known.items()
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
