"""Other signing programs where they are installed, a process each, against ours in process."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from bench.harness import Contest, Entry, NotInstalled, WrongResult
from bench.material import PASSPHRASE, Material, material
from bench.plainly import require_valid
from bench.signing import Prepare, ours

_SECONDS = 60


def _process(program: str, arguments: Callable[[Material, Path], Sequence[str]]) -> Prepare:
    """Return how to prepare: a program that reads document.pdf and writes signed.pdf."""

    @contextmanager
    def prepare() -> Iterator[Contest]:
        found = shutil.which(program)
        if found is None:
            raise NotInstalled(program)
        with (
            material() as made,
            asyncio.Runner() as runner,
            tempfile.TemporaryDirectory(prefix="congvan-bench-") as place,
        ):
            directory = Path(place)
            (directory / "document.pdf").write_bytes(made.document)
            chain = b"".join(each.public_bytes(Encoding.PEM) for each in made.issued.chain)
            (directory / "signer.crt").write_bytes(made.issued.certificate_pem + chain)
            (directory / "signer.key").write_bytes(made.issued.private_key_pem)
            command = [found, *arguments(made, directory)]
            signed = directory / "signed.pdf"

            def theirs(times: int) -> bytes:
                for _ in range(times):
                    signed.unlink(missing_ok=True)
                    subprocess.run(  # noqa: S603 - a program of the machine's own
                        command, cwd=directory, capture_output=True, timeout=_SECONDS, check=True
                    )
                return signed.read_bytes()

            def check(one: object, other: object) -> None:
                require_valid(one, made, document=made.document)
                if not isinstance(other, bytes) or b"/ByteRange" not in other:
                    raise WrongResult(f"{program} signed nothing")

            yield Contest(
                ours=ours(runner, made, document=made.document), theirs=theirs, check=check
            )

    return prepare


def _podofosign(_: Material, directory: Path) -> Sequence[str]:
    return (
        *("-in", "document.pdf", "-out", "signed.pdf"),
        *("-cert", str(directory / "signer.crt"), "-pkey", str(directory / "signer.key")),
    )


@contextmanager
def _endesive() -> Iterator[Contest]:
    if importlib.util.find_spec("endesive") is None:
        raise NotInstalled("endesive")
    cms = importlib.import_module("endesive.pdf.cms")
    with material() as made, asyncio.Runner() as runner:
        key, certificate, others = pkcs12.load_key_and_certificates(
            made.pkcs12.read_bytes(), PASSPHRASE
        )
        values = {"sigflags": 3, "aligned": 8192, "signingdate": "D:20260302080000Z"}

        def theirs(times: int) -> bytes:
            tail = b""
            for _ in range(times):
                tail = cms.sign(made.document, values, key, certificate, others, "sha256")
            return made.document + tail

        def check(one: object, other: object) -> None:
            require_valid(one, made, document=made.document)
            if not isinstance(other, bytes) or b"/ByteRange" not in other:
                raise WrongResult("endesive signed nothing")

        yield Contest(ours=ours(runner, made, document=made.document), theirs=theirs, check=check)


@contextmanager
def _pdfsig() -> Iterator[Contest]:
    """Poppler's program signs out of an NSS database only, which certutil and pk12util make."""
    for program in ("pdfsig", "certutil", "pk12util"):
        if shutil.which(program) is None:
            raise NotInstalled(program)
    with material() as made, tempfile.TemporaryDirectory(prefix="congvan-bench-") as place:
        database = f"sql:{place}"
        steps = (
            ("certutil", "-N", "-d", database, "--empty-password"),
            ("pk12util", "-i", str(made.pkcs12), "-d", database, "-W", PASSPHRASE.decode()),
        )
        for step in steps:
            subprocess.run(step, check=True, capture_output=True, timeout=_SECONDS)  # noqa: S603
        listed = subprocess.run(  # noqa: S603
            ("/usr/bin/env", "certutil", "-L", "-d", database),
            check=True,
            capture_output=True,
            text=True,
        )
        name = next(
            line.rsplit(maxsplit=1)[0].strip()
            for line in listed.stdout.splitlines()
            if line.rstrip().endswith("u,u,u")
        )
        arguments = (
            *("-nssdir", database, "-add-signature", "-nick", name),
            *("document.pdf", "signed.pdf"),
        )
        with _process("pdfsig", lambda *_: arguments)() as contest:
            assert isinstance(contest, Contest)
            yield contest


def _missing(what: str) -> Prepare:
    def prepare() -> NoReturn:
        raise NotInstalled(what)

    return prepare


ENTRIES = tuple(
    Entry(name=f"peers-{name}", goal=1, against=against, prepare=prepare)
    for name, against, prepare in (
        ("podofosign", "podofosign, process", _process("podofosign", _podofosign)),
        ("pdfsig", "pdfsig (poppler), process", _pdfsig),
        ("endesive", "endesive, in process", _endesive),
        ("dss", "EU DSS, warm", _missing("EU DSS as a signer: our Java program only judges")),
    )
)
