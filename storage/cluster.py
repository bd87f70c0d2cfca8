"""The files of our own PostgreSQL: its directory, data, socket and access rules."""

import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TypedDict

from storage.binaries import MAJOR_VERSION, Account, service_account
from storage.errors import (
    DataDirectoryInUse,
    DataDirectoryUnsafe,
    DataVersionUnsupported,
    StorageFull,
    StorageUnavailable,
)

DATABASE_NAME = "congvan"
SUPERUSER_NAME = "postgres"
PORT = 5432  # only a part of the socket's name
_SOCKET_PATH_MAX_BYTES = 107  # sun_path of unix(7), less its final NUL
_SHORT_SOCKET_PREFIX = "congvan-socket-"
_WRITABLE_BY_OTHERS = 0o022
_INITDB_TIMEOUT_SECONDS = 120

# What children of ours see of the environment: none of the service's secrets, no PG* variable.
CHILD_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


def prepare_directory(directory: Path, account: Account) -> None:
    """Make the directory, or refuse one that PostgreSQL can't reach or that others may write to."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = directory.stat()
        if found.st_uid != os.geteuid() or found.st_mode & _WRITABLE_BY_OTHERS:
            raise DataDirectoryUnsafe(
                f"{directory} must belong to the service's own user and be writable by no other"
            )
        if account.uid != os.geteuid():
            directory.chmod(0o711)  # to be passed through, not listed
    except OSError as error:
        raise DataDirectoryUnsafe(f"{directory}: {error.strerror}") from error
    if (barrier := account.barrier_before(directory.resolve() / "data")) is not None:
        raise DataDirectoryUnsafe(
            f"PostgreSQL runs as user {account.name}, who can't pass {barrier}: put the data"
            f" elsewhere, for example below /var/lib, or run: chmod o+x {barrier}"
        )


def take_lock(path: Path) -> int:
    """Hold the directory for this process. The kernel lets go of it however the process ends."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise DataDirectoryUnsafe(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DataDirectoryInUse(str(path.parent)) from None
    return descriptor


def judge_data(data: Path, account: Account) -> None:
    """Refuse data of another major version or another owner."""
    try:
        version = (data / "PG_VERSION").read_text("ascii").strip()
        owner = data.stat().st_uid
    except (OSError, UnicodeDecodeError) as error:
        raise DataDirectoryUnsafe(f"{data} does not hold PostgreSQL's data") from error
    if version != MAJOR_VERSION:
        raise DataVersionUnsupported(
            f"{data} was written by PostgreSQL {version[:20]}, this is {MAJOR_VERSION}:"
            " use pg_dump of that version, and psql"
        )
    if owner != account.uid:
        raise DataDirectoryUnsafe(
            f"{data} belongs to user {owner}, but PostgreSQL would run as {account.name}"
            f" ({account.uid}): start the service as before, or run:"
            f" chown -R {account.uid}:{account.gid} {data}"
        )


def make_data(data: Path, *, account: Account, programs: Path, durable: bool) -> None:
    """Run initdb and make our role and database; `data` appears only when all of it is there."""
    for abandoned in data.parent.glob("data-unfinished-*"):
        shutil.rmtree(abandoned)
    unfinished = data.parent / f"data-unfinished-{secrets.token_hex(8)}"
    unfinished.mkdir(mode=0o700)
    os.chown(unfinished, account.uid, account.gid)
    initdb = [
        str(programs / "initdb"),
        f"--pgdata={unfinished}",
        f"--username={SUPERUSER_NAME}",
        "--auth=peer",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",  # knows Vietnamese letters, sorts the same everywhere
        "--data-checksums",
        "--sync-method=syncfs" if durable else "--no-sync",
    ]
    _run(initdb, account)
    single = [str(programs / "postgres"), "--single", "-D", str(unfinished), "postgres"]
    single += [] if durable else ["-c", "fsync=off"]
    _run(
        single,
        account,
        statements=f"CREATE ROLE {DATABASE_NAME} LOGIN\n"
        f"CREATE DATABASE {DATABASE_NAME} OWNER {DATABASE_NAME}\n",
    )
    unfinished.rename(data)
    descriptor = os.open(data.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)


def write_access_rules(directory: Path, account: Account) -> None:
    """Only our own account gets in, through the socket, as our role or as the superuser.

    The files lie outside PostgreSQL's data: root must not write where another account could have
    planted a link. They are written at each start, as the account may have changed.
    """
    names = "\n".join(
        f'service "{service_account().name}" {role}' for role in (DATABASE_NAME, SUPERUSER_NAME)
    )
    for name, text in (
        ("access.conf", "local all all peer map=service\n"),
        ("accounts.conf", f"{names}\n"),
    ):
        path = directory / name
        path.write_text(text, "utf-8")
        path.chmod(0o644 if account.uid != os.geteuid() else 0o600)


def make_socket_folder(directory: Path, account: Account) -> Path:
    """A folder for the socket that only we and PostgreSQL enter; short enough for the kernel."""
    folder = directory / "socket"
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > _SOCKET_PATH_MAX_BYTES:
        short = Path(tempfile.mkdtemp(prefix=_SHORT_SOCKET_PREFIX, dir="/tmp"))
        folder.symlink_to(short)
        folder = short
    else:
        folder.mkdir(mode=0o700)
    os.chown(folder, account.uid, account.gid)
    return folder


def remove_socket_folder(directory: Path) -> None:
    """Take away the socket's folder of this or an earlier start, wherever it lies."""
    folder = directory / "socket"
    if folder.is_symlink():
        target = folder.readlink()
        if target.name.startswith(_SHORT_SOCKET_PREFIX) and not target.is_symlink():
            shutil.rmtree(target, ignore_errors=True)
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


class Identity(TypedDict, total=False):
    """Arguments for `subprocess` that make a child another account."""

    user: int
    group: int
    extra_groups: list[int]


def identity_of(account: Account) -> Identity:
    """How a child becomes this account: nothing to do where we are it already."""
    if account.uid == os.geteuid():
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _run(command: list[str], account: Account, *, statements: str = "") -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own programs and arguments
            command,
            input=statements,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=CHILD_ENVIRONMENT,
            timeout=_INITDB_TIMEOUT_SECONDS,
            check=False,
            umask=0o077,
            **identity_of(account),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StorageUnavailable(f"{Path(command[0]).name}: {error}") from error
    # A statement that fails in single-user mode is only told, not answered by an exit status.
    if done.returncode != 0 or "ERROR:" in done.stdout:
        last_words = " | ".join(done.stdout.strip().splitlines()[-3:])
        failure = StorageFull if "No space left on device" in done.stdout else StorageUnavailable
        raise failure(f"{Path(command[0]).name}: {last_words}")
