"""`congvan doctor`: what works on this machine and with its service, and what to do where not."""

import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer
from cryptography import x509
from rich.text import Text

from certs.errors import IdentityUnreadable
from certs.identity import endpoint_code
from certs.timestamping import HttpTimestamper
from congvan.v1 import registry_pb2
from exchange.cli.certificates import read_certificates
from exchange.cli.commands import as_command, is_ours
from exchange.cli.doctor_evidence import lists, responders
from exchange.cli.doctor_findings import Finding, Result
from exchange.cli.errors import TrustMissing
from exchange.cli.exits import EXIT_CODES, ExitCode
from exchange.cli.moments import local_date, local_time
from exchange.cli.output import Output, indented, plain, reason_and_detail
from exchange.cli.service import ServiceOptions, connected
from exchange.cli.trial import try_signing
from exchange.cli.trust import TrustOptions, now, trust_of
from exchange.client.errors import ProfileInvalid
from exchange.client.profile import find_profile, load_profile
from storage.errors import StorageUnavailable

RENEW_BEFORE = timedelta(days=30)
FREE_BYTES = 1024**3
# No certificate of this product can be older than the product.
RELEASED_AT = datetime(2026, 11, 1, tzinfo=UTC)
_IMPRINT = bytes(32)


Check = Callable[[TrustOptions], Awaitable[list[Finding]]]


async def doctor(options: TrustOptions, output: Output) -> ExitCode:
    """Kiểm tra máy và kết nối · Check clock, trust, evidence, signing, service.

    Exit code: 0 where nothing failed (warnings allowed), 3 otherwise.
    """
    findings: list[Finding] = []
    for name, check in _checks(options):
        try:
            found = await check(options)
        except Exception as error:
            if not is_ours(error):
                raise
            reason, detail = reason_and_detail(error)
            found = [Finding(check=name, result=Result.FAIL, detail=detail, reason=reason)]
        for finding in found:
            _show(finding, output)
        findings += found
    failed = [each for each in findings if each.result is Result.FAIL]
    output.document({"ok": not failed, "checks": [asdict(each) for each in findings]})
    output.say("doctor.failed" if failed else "doctor.well", count=len(failed))
    return EXIT_CODES["CHECK_FAILED"] if failed else ExitCode.OK


def _checks(options: TrustOptions) -> Iterator[tuple[str, Check]]:
    yield "clock", _clock
    yield "disk", _disk
    yield "signing", _signing
    if options.trust is not None or _has_profile(options):
        yield "trust", _trust
        yield "fetching", responders
        yield "crls", lists
        yield "timestamping", _timestamping
    yield "profile", _profile
    if _has_profile(options):
        yield "service", _service


def _has_profile(options: TrustOptions) -> bool:
    return options.profile is not None or find_profile(None).is_file()


async def _clock(_: TrustOptions) -> list[Finding]:
    sane = now() > RELEASED_AT
    result = Result.OK if sane else Result.FAIL
    reason = "" if sane else "CLOCK_WRONG"
    return [Finding(check="clock", result=result, detail=local_time(now()), reason=reason)]


async def _disk(_: TrustOptions) -> list[Finding]:
    free = shutil.disk_usage(Path.cwd()).free
    enough = free >= FREE_BYTES
    return [
        Finding(
            check="disk",
            result=Result.OK if enough else Result.WARN,
            detail=f"{free / FREE_BYTES:.1f} GiB",
            reason="" if enough else "DISK_NEARLY_FULL",
        )
    ]


async def _signing(_: TrustOptions) -> list[Finding]:
    return [Finding(check="signing", result=Result.OK, detail=await try_signing())]


async def _trust(options: TrustOptions) -> list[Finding]:
    store = trust_of(options).store
    # What is over is kept for the documents of its time, and no reason to worry.
    trusted = [anchor for anchor in store.anchors if anchor.trusted_at(now())]
    if not trusted:
        raise TrustMissing("no anchor of the trust directory is trusted today")
    practice = any(anchor.practice for anchor in store.anchors)
    ending = [each for each in trusted if each.valid_until < now() + RENEW_BEFORE]
    reason = "ANCHOR_ENDS_SOON" if ending else "PRACTICE_TRUSTED" if practice else ""
    return [
        Finding(
            check="trust",
            result=Result.WARN if reason else Result.OK,
            detail=f"{len(store.anchors)} · {store.version[:12]}",
            reason=reason,
        )
    ]


async def _timestamping(options: TrustOptions) -> list[Finding]:
    trust = trust_of(options)
    if not trust.tsa:
        return [Finding(check="timestamping", result=Result.WARN, reason="TSA_NOT_SET")]
    async with trust.fetcher(trust.tsa) as fetcher:
        stamper = HttpTimestamper(trust.tsa, fetcher=fetcher, store=trust.store, clock=now)
        await stamper.stamp(_IMPRINT, "sha256")
    return [Finding(check="timestamping", result=Result.OK, detail=trust.tsa)]


async def _profile(options: TrustOptions) -> list[Finding]:
    path = find_profile(options.profile)
    if not _has_profile(options):
        detail = str(path)
        return [
            Finding(check="profile", result=Result.WARN, detail=detail, reason="PROFILE_MISSING")
        ]
    profile = load_profile(path)
    profile.require_connection()
    if profile.certificate is None:
        raise ProfileInvalid(f"{path}: certificate is missing")
    certificate = read_certificates(profile.certificate)[0]
    return [_certificate_finding(certificate, profile.endpoint)]


def _certificate_finding(certificate: x509.Certificate, endpoint: str) -> Finding:
    until = certificate.not_valid_after_utc
    detail = f"{endpoint} · {local_date(until)}"
    try:
        code = endpoint_code(certificate)
    except IdentityUnreadable:
        code = ""
    if code != endpoint:
        reason = IdentityUnreadable.reason
        return Finding(check="profile", result=Result.FAIL, detail=detail, reason=reason)
    if until < now():
        return Finding(
            check="profile", result=Result.FAIL, detail=detail, reason="CERTIFICATE_EXPIRED"
        )
    if until < now() + RENEW_BEFORE:
        return Finding(
            check="profile", result=Result.WARN, detail=detail, reason="CERTIFICATE_ENDS_SOON"
        )
    return Finding(check="profile", result=Result.OK, detail=detail)


async def _service(options: TrustOptions) -> list[Finding]:
    async with connected(ServiceOptions(profile=options.profile)) as connection:
        state = await connection.health()
        detail = f"{connection.profile.server} · {state}"
        if state != "SERVING":
            # It says SERVING only while its database takes writes and its store is open.
            reason = StorageUnavailable.reason
            return [Finding(check="service", result=Result.FAIL, detail=detail, reason=reason)]
        request = registry_pb2.GetEndpointRequest(name=f"endpoints/{connection.profile.endpoint}")
        endpoint = await connection.call(connection.registry.GetEndpoint, request)
    return [
        Finding(check="service", result=Result.OK, detail=detail),
        Finding(check="identity", result=Result.OK, detail=endpoint.display_name),
    ]


def _show(finding: Finding, output: Output) -> None:
    mark, style = {
        Result.OK: ("✓", "green"),
        Result.WARN: ("!", "yellow"),
        Result.FAIL: ("✗", "bold red"),
    }[finding.result]
    line = Text(f"{mark} ", style=style)
    line.append(output.phrase(f"doctor.{finding.check}"), style="default")
    if finding.detail:
        line.append(": " + plain(finding.detail), style="default")
    output.show(indented(line, 0))
    if finding.reason:
        output.show(output.sentence(finding.reason, indent=4))


app = typer.Typer(add_completion=False)
app.command()(as_command(TrustOptions, doctor))
