"""`congvan certs trust import`: certificates become trust anchors, once somebody compared them."""

import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from certs.errors import AnchorRefused, TrustStoreInvalid
from certs.identity import fingerprint
from certs.trust.anchor_rules import AnchorRefusal, marked_otherwise, refusal_beside, refusal_of
from certs.trust.anchors import AnchorClass, AnchorRole, Block, TrustAnchor
from certs.trust.changes import changing
from exchange.cli.certificates import common_name, describe, read_bundle
from exchange.cli.certs_store import (
    Sha256,
    StoreOptions,
    directory_of,
    end_of,
    facts,
    parse_fingerprint,
    start_of,
)
from exchange.cli.errors import AnchorUnconfirmed, UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.output import Output, plain
from exchange.cli.trust import now

AS_CERTIFIED = "certificate"
"""In place of a day: as the certificate itself says."""
ALL_BLOCKS = "ALL"
_TYPED_DIGITS = 8

Blocks = Annotated[
    list[str],
    typer.Option(
        "--block", metavar="BLOCK", help="PARTY, STATE, FRONT, BUSINESS, ALL; repeatable."
    ),
]
Class = Annotated[
    str,
    typer.Option("--class", metavar="CLASS", help="CONG_VU, CONG_CONG, FOREIGN, PRACTICE."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions(StoreOptions):
    """What `certs trust import` takes. Whatever trust rests on is said, nothing is guessed."""

    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE|DIR...",
            help="Chứng thư: PEM, DER, PKCS#7, thư mục · Certificates, bundles, directories.",
        ),
    ]
    role: Annotated[
        list[str],
        typer.Option("--role", metavar="ROLE", help="SIGNER, SEAL, TSA, TLS; repeatable."),
    ]
    anchor_class: Class
    block: Blocks
    since: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="DAY",
            help="Tin từ ngày, hoặc 'certificate': như chứng thư · Trusted from this day, or from "
            "the certificate's beginning.",
        ),
    ]
    until: Annotated[
        str,
        typer.Option(
            "--until", metavar="DAY", help="Đến hết ngày, hoặc 'certificate' · Until its end."
        ),
    ]
    sha256: Sha256 = None
    name: Annotated[
        str, typer.Option("--name", metavar="TEXT", help="Tên tệp · Name of the file, for one.")
    ] = ""
    intermediate: Annotated[
        bool,
        typer.Option("--intermediate", help="Tin cả CA trung gian · Also an intermediate CA."),
    ] = False
    past: Annotated[
        bool,
        typer.Option(
            "--past", help="Đã hết hạn, để xét văn bản cũ · Expired, for documents of its time."
        ),
    ] = False
    practice: Annotated[
        bool, typer.Option("--practice", help="Là chứng thư THỰC HÀNH · Practice certificates.")
    ] = False


def import_trust(options: ImportOptions, output: Output) -> ExitCode:
    """Nhập chứng thư gốc vào kho tin cậy · Import trust anchors.

    All of them or none. The SHA-256 of each is confirmed with --sha256, or
    typed at the terminal, from what the authority publishes elsewhere: on
    paper, or on its own site.
    """
    directory = directory_of(options)
    at = now()
    anchors = _anchors(options, output, at=at)
    offered = [each.certificate for each in anchors.values()]
    confirm(offered, given=options.sha256, output=output)
    with changing(directory, at=at) as change:
        for anchor in anchors.values():
            refusal = refusal_beside(anchor, change.anchors.values())
            if refusal is not None:
                _tell(common_name(anchor.certificate), refusal, output=output)
                raise AnchorRefused(f"{common_name(anchor.certificate)}: {refusal}")
            change.put(_file_name(anchor, options.name, taken=change.anchors), anchor)
        added = [(file, anchor) for _, file, anchor in change.acts()]
    output.document({"trust": str(directory), "added": [facts(*each) for each in added]})
    for file, _ in added:
        output.say("certs.added", name=file, directory=directory)
    return ExitCode.OK


def parse_blocks(words: Iterable[str]) -> frozenset[Block]:
    """Read --block; raises UsageInvalid."""
    given = {each.upper() for each in words}
    try:
        return frozenset(Block) if given == {ALL_BLOCKS} else frozenset(map(Block, given))
    except ValueError as error:
        raise UsageInvalid(f"--block: {error}") from error


def parse_class(word: str) -> AnchorClass:
    """Read --class; raises UsageInvalid."""
    try:
        found = AnchorClass(word.upper())
    except ValueError as error:
        raise UsageInvalid(f"--class: {error}") from error
    if found is AnchorClass.UNSTATED:
        raise UsageInvalid("--class: say under which law the authority certifies")
    return found


def confirm(
    certificates: Iterable[x509.Certificate], *, given: Sequence[str] | None, output: Output
) -> None:
    """Let nobody be trusted whose SHA-256 was not given, or is not typed now.

    Raises AnchorUnconfirmed, also where a SHA-256 was given that no certificate has.
    """
    missing = {parse_fingerprint(each) for each in given or ()}
    for certificate in certificates:
        digits = fingerprint(certificate)
        if digits in missing:
            missing.discard(digits)
        elif given or output.as_json or not _somebody_is_there():
            raise AnchorUnconfirmed(f"SHA-256 {digits} · {common_name(certificate)}")
        else:
            _ask(certificate, output)
    if missing:
        raise AnchorUnconfirmed(f"no certificate here has {sorted(missing)[0]}")


def _anchors(options: ImportOptions, output: Output, *, at: datetime) -> Mapping[str, TrustAnchor]:
    """The anchors that are meant, by fingerprint; raises AnchorRefused if one can't be one."""
    try:
        roles = frozenset(AnchorRole(each.upper()) for each in options.role)
    except ValueError as error:
        raise UsageInvalid(f"--role: {error}") from error
    blocks, anchor_class = parse_blocks(options.block), parse_class(options.anchor_class)
    if options.practice != (anchor_class is AnchorClass.PRACTICE):
        raise UsageInvalid("--practice and --class PRACTICE belong together")
    found: dict[str, TrustAnchor] = {}
    refused: list[str] = []
    for path in options.paths:
        for file, certificate in read_bundle(path):
            refusal: AnchorRefusal | None = AnchorRefusal.PRACTICE_MIXED
            if not marked_otherwise(certificate, practice=options.practice):
                try:
                    anchor = TrustAnchor(
                        certificate=certificate,
                        roles=roles,
                        blocks=blocks,
                        valid_from=_since(options.since, certificate),
                        valid_until=_until(options.until, certificate),
                        practice=options.practice,
                        anchor_class=anchor_class,
                    )
                except TrustStoreInvalid as error:
                    raise UsageInvalid(error.detail) from error
                refusal = refusal_of(
                    anchor, at=at, intermediate=options.intermediate, past=options.past
                )
                found[fingerprint(certificate)] = anchor
            if refusal is not None:
                _tell(str(file), refusal, output=output)
                refused.append(f"{file}: {refusal} ({common_name(certificate)})")
    if refused:
        raise AnchorRefused("; ".join(refused))
    if options.name and len(found) > 1:
        raise UsageInvalid("--name is for one certificate")
    return found


def _tell(what: str, refusal: AnchorRefusal, *, output: Output) -> None:
    if not output.as_json:
        output.note(plain(what) + ": " + output.phrase(f"anchor.{refusal}"))


def _since(text: str, certificate: x509.Certificate) -> datetime:
    if text == AS_CERTIFIED:
        return certificate.not_valid_before_utc
    return start_of(text)


def _until(text: str, certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_after_utc if text == AS_CERTIFIED else end_of(text)


def _file_name(anchor: TrustAnchor, name: str, *, taken: Mapping[str, TrustAnchor]) -> str:
    """A name that people recognise, made of the holder's and the fingerprint."""
    name = name or _told_name(anchor.certificate)
    for number in range(1, 100):
        file = f"{name}.crt" if number == 1 else f"{name}-{number}.crt"
        if file not in taken:
            return file
    raise UsageInvalid(f"--name: there are too many anchors of the name {name}")


def _told_name(certificate: x509.Certificate) -> str:
    spelled = common_name(certificate).replace("đ", "d").replace("Đ", "D")
    bare = unicodedata.normalize("NFD", spelled).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", bare.lower())[:40].strip("-")
    return "-".join(filter(None, (words, fingerprint(certificate)[:8])))


def _ask(certificate: x509.Certificate, output: Output) -> None:
    told = describe(certificate)
    rows = [
        ("certs.subject", told["subject"]),
        ("certs.issuer", told["issuer"]),
        ("certs.begins", told["valid_from"][:10]),
        ("certs.expires", told["valid_until"][:10]),
    ]
    named = [(output.phrase(heading), value) for heading, value in rows]
    output.note(output.table("certs.attribute", "certs.value", rows=named))
    output.note(f"SHA-256 {fingerprint(certificate)}")
    sys.stderr.write(output.phrase("trust.ask", digits=_TYPED_DIGITS) + " ")
    sys.stderr.flush()
    typed = re.sub(r"[\s:]", "", sys.stdin.readline()).lower()
    digits = fingerprint(certificate)
    if typed not in {digits, digits[:_TYPED_DIGITS]}:
        raise AnchorUnconfirmed(f"{plain(common_name(certificate))}: {digits}")


def _somebody_is_there() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
