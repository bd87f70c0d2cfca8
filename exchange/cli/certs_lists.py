"""`congvan certs trust import-list`: anchors from a signed trusted list (ETSI TS 119 612)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.identity import fingerprint
from certs.trust.anchors import AnchorClass
from certs.trusted_lists.files import ListImport, import_trusted_list
from certs.trusted_lists.lists import TrustedList, read_trusted_list
from certs.trusted_lists.parsing import MAX_LIST_BYTES
from exchange.cli.certificates import common_name, read_certificates
from exchange.cli.certs_import import Blocks, Class, confirm, parse_blocks, parse_class
from exchange.cli.certs_store import Sha256, StoreOptions, directory_of, facts
from exchange.cli.commands import Options
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.files import read_file
from exchange.cli.moments import local_time
from exchange.cli.output import Output, plain
from exchange.cli.trust import now
from signer.sandbox.pool import Sandbox

ListFile = Annotated[
    Path, typer.Argument(metavar="LIST.XML", help="Danh sách đã tải về · The list, downloaded.")
]
SignedBy = Annotated[
    list[Path],
    typer.Option(
        "--signed-by",
        metavar="FILE",
        help="Chứng thư ký danh sách, lấy ngoài danh sách · Certificate of its publisher, "
        "got elsewhere; repeatable.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportListOptions(StoreOptions):
    """What `certs trust import-list` takes."""

    file: ListFile
    signed_by: SignedBy
    name: Annotated[
        str,
        typer.Option(
            "--name", metavar="TEXT", help="Tên gọi danh sách, giữ nguyên mãi · Its name for good."
        ),
    ]
    anchor_class: Class
    block: Blocks
    sha256: Sha256 = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointersOptions(Options):
    """What `certs trust pointers` takes."""

    file: ListFile
    signed_by: SignedBy
    sha256: Sha256 = None


async def import_list(options: ImportListOptions, output: Output) -> ExitCode:
    """Nhập danh sách tin cậy ETSI · Import an ETSI trusted list.

    It must be signed by the certificate that you name (--signed-by, its
    SHA-256 confirmed), current, and no older than the last one of this name.
    Its anchors are trusted until its next update is due: import the next
    list in time.
    """
    anchor_class = parse_class(options.anchor_class)
    if anchor_class is AnchorClass.PRACTICE:
        raise UsageInvalid("--class: there are no lists of practice authorities")
    blocks = parse_blocks(options.block)
    listed = await _read(options, output)
    done = import_trusted_list(
        directory_of(options),
        listed,
        name=options.name,
        blocks=blocks,
        anchor_class=anchor_class,
        at=now(),
    )
    output.document({**_facts(listed), "name": options.name, **_done(done)})
    _show(listed, done, output=output)
    return ExitCode.OK


async def show_pointers(options: PointersOptions, output: Output) -> ExitCode:
    """Xem các danh sách khác mà một danh sách chỉ đến · Show the lists that a list points to.

    Nothing is fetched and nobody is trusted: download what you need, and
    import it by itself with the certificate that is told here.
    """
    listed = await _read(options, output, with_pointers=True)
    pointers: list[Mapping[str, Any]] = [
        {
            "location": pointer.location,
            "territory": pointer.territory,
            "signers": [_signer(der) for der in pointer.signers],
        }
        for pointer in listed.pointers
    ]
    output.document({**_facts(listed), "pointers": pointers})
    for each in pointers:
        # Lines that are never broken: people copy addresses and fingerprints.
        output.show(plain(f"{each['territory']}  {each['location']}"))
        for signer in each["signers"]:
            output.show(plain(f"    {signer['subject']}"), f"    SHA-256 {signer['sha256']}")
    return ExitCode.OK


async def _read(
    options: ImportListOptions | PointersOptions, output: Output, *, with_pointers: bool = False
) -> TrustedList:
    signers = [each for file in options.signed_by for each in read_certificates(file)]
    confirm(signers, given=options.sha256, output=output)
    content = read_file(options.file, max_bytes=MAX_LIST_BYTES)
    # Until its signature is verified it is a stranger's file.
    async with Sandbox(workers=1, modules=(read_trusted_list.__module__,)) as sandbox:
        return await sandbox.run(
            read_trusted_list,
            content,
            signers=tuple(each.public_bytes(Encoding.DER) for each in signers),
            at=now(),
            with_pointers=with_pointers,
        )


def _facts(listed: TrustedList) -> dict[str, Any]:
    return {
        "sha256": listed.sha256,
        "sequence": listed.sequence,
        "territory": listed.territory,
        "operator": listed.operator,
        "issued_at": listed.issued_at.isoformat(),
        "next_update_at": listed.next_update_at.isoformat(),
        "services": len(listed.services),
        "signed_by": fingerprint(x509.load_der_x509_certificate(listed.signer)),
    }


def _done(done: ListImport) -> dict[str, Any]:
    return {
        "anchors": [{"act": act, **facts(file, anchor)} for act, file, anchor in done.acts],
        "ended": list(done.ended),
        "skipped": [
            {
                "provider": each.provider,
                "service": each.name,
                "reason": each.reason,
                "detail": each.detail,
            }
            for each in done.skipped
        ],
    }


def _signer(der: bytes) -> dict[str, str]:
    certificate = x509.load_der_x509_certificate(der)
    return {
        "subject": certificate.subject.rfc4514_string(),
        "sha256": fingerprint(certificate),
        "pem": certificate.public_bytes(Encoding.PEM).decode("ascii"),
    }


def _show(listed: TrustedList, done: ListImport, *, output: Output) -> None:
    output.say(
        "trust.list",
        operator=listed.operator,
        sequence=listed.sequence,
        until=local_time(listed.next_update_at),
    )
    rows = [
        (
            output.phrase(f"trust.{act}"),
            common_name(anchor.certificate),
            ", ".join(sorted(anchor.roles)),
        )
        for act, _, anchor in done.acts
    ]
    if rows:
        output.show(output.table("certs.act", "certs.subject", "certs.roles", rows=rows), "")
    for file in done.ended:
        output.say("trust.forgotten", file=file)
    reasons = Counter(each.reason for each in done.skipped)
    if reasons:
        told = [(count, output.phrase(f"listed.{reason}")) for reason, count in reasons.items()]
        output.show(output.table("trust.services", "trust.skipped", rows=told))
