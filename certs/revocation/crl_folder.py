"""A folder of CRLs that somebody keeps up to date: for machines that reach no authority."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from certs.errors import FetchFailed
from certs.fetching.fetched import accepted_evidence, crl_der
from certs.parsing import DAMAGE
from certs.revocation.evidence import EvidenceKind, EvidenceRequest, RevocationEvidence

SUFFIXES: Final = (".crl", ".pem")
MAX_FILES: Final = 256
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_FOLDER_BYTES: Final = 512 * 1024 * 1024

_Stamp = tuple[int, int, int]
"""When a file was changed, its size, which file it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderCrl:
    """One CRL of a folder, as far as its own words go: nobody's signature was checked yet."""

    path: Path
    issuer: x509.Name
    this_update: datetime
    next_update: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderState:
    """What lies in a folder: the CRLs, and the files that are none or exceed a limit, with why."""

    crls: tuple[FolderCrl, ...]
    unusable: tuple[tuple[Path, str], ...]


class CrlFolder:
    """The files *.crl and *.pem directly in a folder, DER or PEM, read anew when they change.

    Only names and dates stay in memory; a list is read when somebody asks for it. The files are
    no more trusted than what is fetched.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[_Stamp, FolderCrl | str]] = {}

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def state(self) -> FolderState:
        """What lies in it now. Raises OSError where it can't be read."""
        with self._lock:
            self._look()
            found = [(path, said) for path, (_, said) in sorted(self._known.items())]
        return FolderState(
            crls=tuple(said for _, said in found if isinstance(said, FolderCrl)),
            unusable=tuple((path, said) for path, said in found if isinstance(said, str)),
        )

    def evidence_for(self, request: EvidenceRequest, *, at: datetime) -> RevocationEvidence:
        """The issuer's lists that answer the request at the instant; nothing is raised."""
        if request.kind is not EvidenceKind.CRL or request.issuer is None:
            return RevocationEvidence()
        try:
            issuer = x509.load_der_x509_certificate(request.issuer).subject
            listed = [each for each in self.state().crls if each.issuer == issuer]
        except (*DAMAGE, OSError):
            return RevocationEvidence()
        evidence = RevocationEvidence()
        for each in listed:
            try:
                content = _content(each.path)
                evidence = evidence.merged(accepted_evidence(request, content, now=at))
            except (OSError, ValueError, FetchFailed):
                continue
        return evidence

    def _look(self) -> None:
        known, self._known = self._known, {}
        total = 0
        for number, (path, stamp) in enumerate(self._files()):
            total += stamp[1]
            if number >= MAX_FILES:
                said: FolderCrl | str = f"more than {MAX_FILES} files"
            elif stamp[1] > MAX_FILE_BYTES or total > MAX_FOLDER_BYTES:
                said = "larger than allowed"
            elif path in known and known[path][0] == stamp:
                said = known[path][1]
            else:
                said = _described(path)
            self._known[path] = stamp, said

    def _files(self) -> Iterator[tuple[Path, _Stamp]]:
        for path in sorted(self._path.iterdir()):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                stat = path.stat()
                yield path, (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _described(path: Path) -> FolderCrl | str:
    try:
        crl = x509.load_der_x509_crl(crl_der(_content(path)))
        return FolderCrl(
            path=path,
            issuer=crl.issuer,
            this_update=crl.last_update_utc,
            next_update=crl.next_update_utc,
        )
    except OSError as error:
        return error.strerror or "unreadable"
    except (*DAMAGE, FetchFailed):
        return "not a CRL"


def _content(path: Path) -> bytes:
    with path.open("rb") as source:
        content = source.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError("larger than allowed")
    return content
