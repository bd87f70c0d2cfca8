"""The service's configuration: one TOML file, overridden by CONGVAN_… environment variables."""

import ipaddress
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from certs.fetching.policy import FetchPolicy, parse_policy
from certs.trust.anchors import Block
from exchange.agency import AgencyLevel, EndpointRole
from exchange.errors import SettingInvalid

_Model = TypeVar("_Model", bound=BaseModel)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceSection(_Section):
    """Where the service keeps its data and where it listens."""

    data_dir: Path
    listen: str = "127.0.0.1:8443"
    workers: int = Field(default=2, ge=1, le=64)
    reflection: bool = False

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        ipaddress.ip_address(host.strip("[]"))
        if not 0 <= int(port) <= 65535:
            raise ValueError("a port is between 0 and 65535")
        return value

    @property
    def host(self) -> str:
        """The address to listen on, without brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port to listen on; 0 lets the system choose a free one."""
        return int(self.listen.rpartition(":")[2])


class DatabaseSection(_Section):
    """Empty: the service runs its own PostgreSQL below data_dir."""

    dsn: str = Field(default="", repr=False)


class ObjectsSection(_Section):
    """Empty: a directory below data_dir. Credentials for S3 come from the environment only."""

    url: str = ""


class TlsSection(_Section):
    """PEM files: the server's certificate with its chain, its key, and the CA of the clients."""

    certificate: Path
    key: Path
    client_ca: Path


class TrustSection(_Section):
    """The directory of trust anchors. Practice anchors are admitted only when asked for."""

    directory: Path
    allow_practice: bool = False


class FetchingSection(_Section):
    """Where evidence comes from: the servers that may be asked, none by default, and by which way.

    `allowed` names them as `host:port`, `rewrites` addresses of certificates that are asked for
    elsewhere (`FROM => TO`); `proxy` is a URL or the word `environment`, `direct` the hosts that
    are reached without it; `crls` is a folder of CRLs; `cache` says whether answers are shared.
    """

    allowed: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    proxy: str = ""
    direct: tuple[str, ...] = ()
    crls: Path | None = None
    cache: bool = True

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        self.policy({})
        return self

    def policy(self, environment: Mapping[str, str]) -> FetchPolicy:
        """Who may be asked; raises ValueError."""
        return parse_policy(
            allowed=self.allowed,
            rewrites=self.rewrites,
            proxy=self.proxy,
            direct=self.direct,
            environment=environment,
        )


class TimestampingSection(_Section):
    """The RFC 3161 authority; empty: no signatures above B-B.

    A call waits for `seconds`; an operation, which holds nobody up, for `patient_seconds`.
    """

    url: str = ""
    seconds: float = Field(default=30, gt=0, le=300)
    patient_seconds: float = Field(default=180, gt=0, le=1800)


class SigningSection(_Section):
    """Policy of signing. UNKNOWN revocation is refused unless allowed here; each use is logged."""

    allow_unknown_revocation: bool = False
    session_seconds: int = Field(default=1800, ge=1, le=86_400)


class VerificationSection(_Section):
    """The policy that documents are judged by, a TOML file; without one, the shipped default.

    A report on the same document is given again for `reuse_seconds`; 0: each time judged anew.
    """

    policy: Path | None = None
    reuse_seconds: int = Field(default=600, ge=0, le=86_400)


class OperationsSection(_Section):
    """Long-running work: how soon a dead worker's is taken over, how much is done side by side."""

    lease_seconds: float = Field(default=30, ge=1, le=600)
    at_once: int = Field(default=4, ge=1, le=64)


class LimitsSection(_Section):
    """Limits that an operator may want to change; the others are in the code, with reasons."""

    max_document_bytes: int = Field(default=100_000_000, ge=1_000)
    stream_seconds: float = Field(default=600, ge=1, le=86_400)
    sandbox_workers: int = Field(default=1, ge=1, le=64)


class SigningKeySection(_Section):
    """A key that the service keeps for an endpoint, in a PKCS#12 file or in a PKCS#11 token or HSM.

    Passphrases and PINs are in files of their own. In a token the key is the one whose certificate
    has this SHA-256 or CKA_ID (both in hex).
    """

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,63}$")
    endpoint: str
    seal: bool = True
    file: Path | None = None
    passphrase_file: Path | None = None
    module: Path | None = None
    token_label: str = ""
    token_serial: str = ""
    certificate_sha256: str = Field(default="", pattern=r"^([0-9A-Fa-f]{64})?$")
    key_id: str = Field(default="", pattern=r"^([0-9A-Fa-f]{2})*$")
    pin_file: Path | None = None
    pin_file_variable: str = ""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        in_token = (self.token_label, self.token_serial, self.certificate_sha256, self.key_id)
        pins = (self.pin_file is not None, bool(self.pin_file_variable))
        if (self.file is None) == (self.module is None):
            raise ValueError("either file or module is needed")
        if self.file is not None and (any(in_token) or any(pins)):
            raise ValueError("a key in a file has no token, certificate_sha256, key_id or PIN")
        if self.module is not None:
            if self.passphrase_file is not None:
                raise ValueError("a key in a token has a PIN, no passphrase_file")
            if not any(in_token):
                raise ValueError("certificate_sha256, key_id or the token must say which key")
            if sum(pins) != 1:
                raise ValueError("either pin_file or pin_file_variable is needed")
        return self


class BootstrapSection(_Section):
    """An endpoint that exists from the start, so that somebody may register the others."""

    code: str
    name: str
    block: Block
    level: AgencyLevel
    roles: tuple[EndpointRole, ...]
    certificate: Path


class Settings(BaseSettings):
    """Everything that `congvan serve` needs to know."""

    model_config = SettingsConfigDict(
        env_prefix="CONGVAN_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    service: ServiceSection
    tls: TlsSection
    trust: TrustSection
    database: DatabaseSection = DatabaseSection()
    objects: ObjectsSection = ObjectsSection()
    fetching: FetchingSection = FetchingSection()
    timestamping: TimestampingSection = TimestampingSection()
    signing: SigningSection = SigningSection()
    verification: VerificationSection = VerificationSection()
    operations: OperationsSection = OperationsSection()
    limits: LimitsSection = LimitsSection()
    signing_keys: tuple[SigningKeySection, ...] = ()
    bootstrap: tuple[BootstrapSection, ...] = ()

    @property
    def object_store_url(self) -> str:
        """The address of the object store; a directory below data_dir by default."""
        return self.objects.url or (self.service.data_dir / "objects").absolute().as_uri()

    @property
    def evidence_key(self) -> Path:
        """Where the key that signs evidence is kept (PEM, 0600)."""
        return self.service.data_dir / "evidence.key"

    @property
    def token_state(self) -> Path:
        """Where the workers take turns in opening tokens, and remember PINs that were refused."""
        return self.service.data_dir / "tokens"

    @property
    def evidence_cache(self) -> Path:
        """Where the workers share what OCSP responders and CRL servers answered."""
        return self.service.data_dir / "evidence-cache"

    @property
    def spool(self) -> Path:
        """The directory of uploads on their way in."""
        return self.service.data_dir / "spool"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, and read nothing else."""
        return env_settings, init_settings


def load_settings(path: Path) -> Settings:
    """Read the configuration; relative paths in it are relative to the file.

    Raises:
        SettingInvalid: the file can't be read, or a setting is missing, unknown or wrong.

    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingInvalid(f"{path}: {error}") from error
    try:
        return _anchored(Settings(**values), path.resolve().parent)
    except ValidationError as error:
        # Only where and what: pydantic's own text would repeat values, which may be secret.
        problems = "; ".join(
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
            for each in error.errors(include_input=False, include_context=False)
        )
        raise SettingInvalid(f"{path}: {problems}") from None


def read_setting_file(path: Path, *, what: str) -> bytes:
    """Read a file that the configuration names; raises SettingInvalid naming it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingInvalid(f"{what}: {path}: {error.strerror}") from error


def _anchored(model: _Model, directory: Path) -> _Model:
    """Give a copy in which every relative path stands below `directory`."""
    changes: dict[str, object] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Path):
            changes[name] = directory / value
        elif isinstance(value, BaseModel):
            changes[name] = _anchored(value, directory)
        elif isinstance(value, tuple):
            changes[name] = tuple(
                _anchored(each, directory) if isinstance(each, BaseModel) else each
                for each in value
            )
    return model.model_copy(update=changes)
