"""What the offices of the demo do: sign, seal, send, receive, verify, report."""

import asyncio
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from certs.fetching.fetcher import EvidenceFetcher, FetchPolicy
from certs.timestamping import HttpTimestamper
from congvan.v1 import registry_pb2, signing_pb2
from exchange.cli.errors import DemoFailed
from exchange.cli.receive import Desk, Intake, take_in
from exchange.cli.registry import bind, create, read_endpoint
from exchange.cli.trust import Trust, TrustOptions, trust_of
from exchange.client.connection import Connection, connect
from exchange.client.receiving import acknowledge, mailbox
from exchange.client.sending import OutgoingFile, Sent, send
from exchange.demo.ground import Ground
from exchange.demo.plan import Dispatch, Plan, Treatment
from exchange.vietnam_time import VIETNAM_TIME
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.pages.appearance import Appearance, Box
from signer.sandbox.pool import Sandbox

SEAL_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What everyone in the demo shares: the plan, the ground, one sandbox, one fetcher."""

    plan: Plan
    ground: Ground
    trust: Trust
    fetcher: EvidenceFetcher
    sandbox: Sandbox

    def timestamper(self) -> HttpTimestamper:
        """The practice TSA, as a leader's machine asks it."""
        return HttpTimestamper(
            self.ground.tsa_url, fetcher=self.fetcher, store=self.trust.store, clock=_now
        )


async def open_office(stack: AsyncExitStack, ground: Ground, *, plan: Plan) -> Office:
    """Open what the offices share; closed with the stack."""
    trust = trust_of(TrustOptions(profile=ground.profile_file(plan.senders[0])))
    policy = FetchPolicy(allowed=trust.policy.allowed)
    return Office(
        plan=plan,
        ground=ground,
        trust=Trust(store=trust.store, policy=policy, evidence=trust.evidence),
        fetcher=await stack.enter_async_context(EvidenceFetcher(policy)),
        sandbox=await stack.enter_async_context(Sandbox()),
    )


async def register_everyone(connection: Connection, *, ground: Ground, plan: Plan) -> None:
    """Register the endpoints and their certificates, as the registrar does it."""
    for entry in plan.endpoints:
        code = str(entry["code"])
        await create(connection, read_endpoint(entry))
        content = _read(ground.profile_file(code).with_suffix(".crt"))
        await bind(connection, code, certificate=x509.load_pem_x509_certificate(content))
    count = 0
    token = ""
    while True:
        request = registry_pb2.ListEndpointsRequest(page_token=token)
        page = await connection.call(connection.registry.ListEndpoints, request)
        count += len(page.endpoints)
        token = page.next_page_token
        if not token:
            break
    if count != len(plan.endpoints) + 1:
        raise DemoFailed(f"the registry lists {count} endpoints, not {len(plan.endpoints) + 1}")


async def prepare(office: Office, dispatch: Dispatch) -> list[OutgoingFile]:
    """Make a document ready: signed by the leader and sealed, left unsigned, or altered."""
    files = [(dispatch.file, "", False), *((file, title, True) for file, title in dispatch.annexes)]
    outgoing = []
    async with connect(office.ground.profile(dispatch.sender)) as connection:
        for source, title, is_annex in files:
            content = _read(source)
            if dispatch.treatment is not Treatment.UNSIGNED:
                if not is_annex:
                    content = await _sign_as_leader(office, dispatch, content=content)
                content = await _seal(
                    connection, dispatch, content=content, is_annex=is_annex, office=office
                )
            if dispatch.treatment is Treatment.BROKEN:
                content = alter(content)
            stem = dispatch.stem if not is_annex else f"{dispatch.stem}-phu-luc"
            ending = "pdf" if dispatch.treatment is Treatment.UNSIGNED else "signed.pdf"
            target = office.ground.documents / f"{stem}.{ending}"
            _write(target, content)
            outgoing.append(OutgoingFile(content=target, file_name=target.name, description=title))
    return outgoing


async def dispatch_document(
    office: Office, dispatch: Dispatch, *, files: list[OutgoingFile]
) -> Sent:
    """Send one document; raises DemoFailed where the gate judges it otherwise than planned."""
    async with connect(office.ground.profile(dispatch.sender)) as connection:
        sent = await send(connection, dispatch.draft.envelope(), files=files)
    if len(sent.deliveries) != len(dispatch.draft.to):
        raise DemoFailed(f"{dispatch.code}: {len(sent.deliveries)} deliveries")
    return sent


async def receive_everything(office: Office, code: str) -> list[tuple[str, Intake]]:
    """Empty one recipient's mailbox; gives each document's code with what was taken in."""
    taken = []
    async with connect(office.ground.profile(code)) as connection:
        desk = Desk(
            connection=connection,
            sandbox=office.sandbox,
            trust=office.trust,
            fetcher=office.fetcher,
            into=office.ground.received / code,
            register=True,
        )
        async for item in mailbox(connection):
            if item.HasField("document"):
                document_code = item.document.envelope.code
                intake = await take_in(desk, item)
                taken.append((f"{document_code.number}/{document_code.notation}", intake))
            else:
                await acknowledge(connection, item)
    return taken


def alter(content: bytes) -> bytes:
    """Change one signed letter, as someone with an editor would; the PDF stays readable."""
    mark = b"/CreationDate(D:2"
    place = content.find(mark)
    if place < 0:
        raise DemoFailed("the signed document has no date of creation to alter")
    changed = bytearray(content)
    digit = place + len(mark) + 2
    changed[digit] = ord("1") if changed[digit] != ord("1") else ord("2")
    return bytes(changed)


async def _sign_as_leader(office: Office, dispatch: Dispatch, *, content: bytes) -> bytes:
    picture = _read(office.plan.pictures / "leader-signature.png")
    request = SigningRequest(
        level=Level.B_T,
        signed_at=_now(),
        appearance=Appearance(picture=picture, box=dispatch.signature_box),
    )
    key = await asyncio.to_thread(office.ground.leader_key, dispatch.sender)
    return await sign(content, key=key, request=request, timestamper=office.timestamper())


async def _seal(
    connection: Connection, dispatch: Dispatch, *, content: bytes, is_annex: bool, office: Office
) -> bytes:
    if is_annex:
        # NĐ 30/2020, Appendix I, III.1.d: no picture, the code and the time in ISO 8601.
        moment = _now().astimezone(VIETNAM_TIME).isoformat(timespec="seconds")
        shown = signing_pb2.Appearance(
            box=_box(dispatch.annex_box), lines=[dispatch.printed_code, moment]
        )
    else:
        picture = _read(office.plan.pictures / "seal.png")
        shown = signing_pb2.Appearance(box=_box(dispatch.seal_box), picture=picture)
    request = signing_pb2.SignDocumentRequest(
        request_id=str(uuid.uuid4()),
        key=f"signingKeys/seal-{dispatch.sender}",
        document=signing_pb2.DocumentContent(content=content),
        options=signing_pb2.SigningOptions(level=signing_pb2.SIGNATURE_LEVEL_B_T, appearance=shown),
    )
    answer = await connection.call(
        connection.signing.SignDocument, request, deadline_seconds=SEAL_SECONDS
    )
    if not answer.content:
        raise DemoFailed(f"{dispatch.code}: the sealed document did not come back")
    return answer.content


def _box(box: Box) -> signing_pb2.PageBox:
    return signing_pb2.PageBox(
        page=box.page,
        left_mm=box.left_mm,
        bottom_mm=box.bottom_mm,
        width_mm=box.width_mm,
        height_mm=box.height_mm,
    )


def _read(path: Path) -> bytes:
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _now() -> datetime:
    return datetime.now(UTC)
