"""The demo's ground: folders, the practice authority's certificates, configuration and profiles."""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from certs.keys.file import FileKey, load_pkcs12
from certs.practice.authority import Issued, PracticeAuthority
from exchange.cli.errors import DemoFailed
from exchange.client.profile import Profile, load_profile
from exchange.demo.plan import REGISTRAR, REGISTRAR_NAME, Plan
from exchange.demo.processes import free_port

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where everything of one demo lies, and on which ports its servers listen."""

    directory: Path
    authority_port: int
    service_port: int
    passphrase: str

    @property
    def authority(self) -> Path:
        """The practice authority's own directory."""
        return self.directory / "pki"

    @property
    def authority_address(self) -> str:
        """Where TSA, OCSP and CRLs answer: host:port."""
        return f"{LOOPBACK}:{self.authority_port}"

    @property
    def tsa_url(self) -> str:
        """The practice time-stamping service."""
        return f"http://{self.authority_address}/tsa"

    @property
    def trust(self) -> Path:
        """The trust store of documents and connections."""
        return self.directory / "trust"

    @property
    def service(self) -> Path:
        """The service's configuration, keys and data."""
        return self.directory / "service"

    @property
    def configuration(self) -> Path:
        """The service's configuration file."""
        return self.service / "congvan.toml"

    @property
    def documents(self) -> Path:
        """The documents as they were sent."""
        return self.directory / "sent"

    @property
    def received(self) -> Path:
        """A folder for each recipient with what it received."""
        return self.directory / "received"

    @property
    def logs(self) -> Path:
        """A log for each server."""
        return self.directory / "logs"

    @property
    def keys(self) -> Path:
        """The leaders' PKCS#12 files and their passphrase."""
        return self.directory / "keys"

    @property
    def passphrase_file(self) -> Path:
        """The passphrase of every key of the demo."""
        return self.keys / "passphrase"

    @property
    def crls(self) -> tuple[Path, Path]:
        """CRLs at the demo's end, for checking without the authority."""
        return self.directory / "crl" / "issuing.crl", self.directory / "crl" / "root.crl"

    def profile_file(self, code: str) -> Path:
        """The profile of an endpoint."""
        return self.directory / "profiles" / f"{code}.toml"

    def profile(self, code: str) -> Profile:
        """The profile of an endpoint, read."""
        return load_profile(self.profile_file(code))

    def leader_key(self, code: str) -> FileKey:
        """The leader's key of a sender, out of its PKCS#12 file."""
        content = (self.keys / f"leader-{code}.p12").read_bytes()
        return load_pkcs12(content, self.passphrase.encode())


def default_directory(now: datetime) -> Path:
    """Choose a new directory: in the user's state, or below /var/lib for root.

    PostgreSQL runs as an unprivileged user when root starts it, so root's home won't do.
    """
    name = f"demo-{now.astimezone():%Y%m%d-%H%M%S}"
    if os.geteuid() == 0:
        return Path("/var/lib/congvan") / name
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "congvan" / name


def break_ground(directory: Path) -> Ground:
    """Make the folders and choose the ports. Raises DemoFailed where that can't be."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise DemoFailed(f"{directory} is not empty: choose a new one with --dir")
        for name in ("service", "sent", "received", "logs", "keys", "crl", "profiles"):
            (directory / name).mkdir()
        for path in (directory, directory / "service"):
            # Whatever the umask: an unprivileged PostgreSQL must get through to its own folder.
            path.chmod(0o755)
        (directory / "keys").chmod(0o700)
    except OSError as error:
        raise DemoFailed(f"{directory}: {error.strerror}") from error
    return Ground(
        directory=directory.resolve(),
        authority_port=free_port(),
        service_port=free_port(),
        passphrase=secrets.token_urlsafe(18),
    )


def issue_everything(ground: Ground, plan: Plan, *, step: Callable[[str], None]) -> None:
    """Make the practice authority and every key and certificate that the demo needs."""
    authority = PracticeAuthority.create(
        ground.authority, base_url=f"http://{ground.authority_address}", clock=_now
    )
    authority.write_trust(ground.trust)
    (ground.service / "root.crt").write_bytes(authority.root.public_bytes(Encoding.PEM))
    _write_pair(ground.service / "server", authority.issue_server(("localhost",), (LOOPBACK,)))
    _write_private(ground.passphrase_file, ground.passphrase.encode() + b"\n")
    _write_private(ground.service / "seal.passphrase", ground.passphrase.encode() + b"\n")
    signers = {each.sender: each for each in plan.dispatches}
    for code, dispatch in signers.items():
        step(dispatch.sender_name)
        leader = authority.issue_person(
            dispatch.draft.signer,
            organisation=dispatch.sender_name,
            position=dispatch.draft.position,
        )
        seal = authority.issue_seal(dispatch.sender_name, identifier=code)
        passphrase = ground.passphrase.encode()
        _write_private(ground.keys / f"leader-{code}.p12", leader.pkcs12(passphrase))
        _write_private(ground.service / f"seal-{code}.p12", seal.pkcs12(passphrase))
    for code in (REGISTRAR, *(str(each["code"]) for each in plan.endpoints)):
        _write_pair(ground.profile_file(code).with_suffix(""), authority.issue_endpoint(code))
        ground.profile_file(code).write_text(_profile(ground, code), encoding="utf8")
    keep_crls(ground, authority)


def keep_crls(ground: Ground, authority: PracticeAuthority | None = None) -> None:
    """Write the CRLs of now, which let anyone check the documents when nothing runs any more."""
    authority = authority or PracticeAuthority.open(ground.authority, _now)
    for path, content in zip(ground.crls, (authority.crl(), authority.root_crl()), strict=True):
        path.write_bytes(content)


def write_configuration(ground: Ground, plan: Plan, *, objects_url: str) -> None:
    """Write the service's configuration, with a seal for each sender."""
    sections = [
        _section(
            "service",
            data_dir="data",
            listen=f"{LOOPBACK}:{ground.service_port}",
            workers=min(os.cpu_count() or 1, 2),
        ),
        _section("tls", certificate="server.crt", key="server.key", client_ca="root.crt"),
        _section("trust", directory=str(ground.trust), allow_practice=True),
        _section("fetching", allowed=[ground.authority_address]),
        _section("timestamping", url=ground.tsa_url),
    ]
    if objects_url:
        sections.append(_section("objects", url=objects_url))
    sections += [
        _section(
            "[signing_keys]",
            id=f"seal-{code}",
            endpoint=code,
            file=f"seal-{code}.p12",
            passphrase_file="seal.passphrase",  # noqa: S106 - the name of a file
            seal=True,
        )
        for code in plan.senders
    ]
    sections.append(
        _section(
            "[bootstrap]",
            code=REGISTRAR,
            name=REGISTRAR_NAME,
            block="STATE",
            level="PROVINCE",
            roles=["REGISTRAR", "AUDITOR", "OPERATOR"],
            certificate=str(ground.profile_file(REGISTRAR).with_suffix(".crt")),
        )
    )
    ground.configuration.write_text("\n".join(sections), encoding="utf8")


def _profile(ground: Ground, code: str) -> str:
    lines = {
        "server": f"{LOOPBACK}:{ground.service_port}",
        "ca": "../service/root.crt",
        "certificate": f"{code}.crt",
        "key": f"{code}.key",
        "endpoint": code,
        "trust": "../trust",
        "practice": True,
        "allowed": [ground.authority_address],
        "crls": [f"../crl/{path.name}" for path in ground.crls],
        "tsa": ground.tsa_url,
    }
    return "".join(f"{name} = {_toml(value)}\n" for name, value in lines.items())


def _section(name: str, /, **values: object) -> str:
    lines = [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    # Strings, booleans, whole numbers and lists of them are written the same in JSON.
    return json.dumps(value, ensure_ascii=False)


def _write_pair(stem: Path, issued: Issued) -> None:
    # Not with_suffix: a code such as H56.90 ends in what looks like one.
    stem.with_name(stem.name + ".crt").write_bytes(issued.certificate_pem)
    _write_private(stem.with_name(stem.name + ".key"), issued.private_key_pem)


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        sink.write(content)


def _now() -> datetime:
    return datetime.now(UTC)
