"""The processor's own settings: one nested model, from `config/processor.yaml` and the environment."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from processor import __version__
from processor.config import durations

PREFIX = "PROMPT_ACTIONS_"
DELIMITER = "__"
MIB = 1 << 20
DAY = 86_400.0


def _seconds(value: Any) -> Any:
    """Texts with a unit as seconds; numbers, and texts of numbers as the environment has them, are seconds."""
    if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
        return durations.seconds(value)
    return value


_WITH_UNDERSCORES = frozenset({"log_level", "ssl_key", "ssl_certificate", "ssl_ca", "ssl_engine_callback_data"})
"""Of librdkafka's properties that are values, those which really are spelled so."""


def property_name(name: str) -> str:
    """A property as librdkafka calls it; `a_b`, which the environment can spell, means `a.b`."""
    return name if name in _WITH_UNDERSCORES else name.replace("_", ".")


def _texts(value: Any) -> Any:
    """Properties of librdkafka as texts."""
    if not isinstance(value, Mapping):
        return value
    return {property_name(str(name)): _text(one) for name, one in value.items()}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0), WithJsonSchema(
    {"anyOf": [durations.SCHEMA, {"type": "number", "exclusiveMinimum": 0}], "format": "length-of-time"})]
Properties = Annotated[dict[str, str], BeforeValidator(_texts), WithJsonSchema(
    {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "object"]}})]
Bytes = Annotated[ByteSize, Field(gt=0), WithJsonSchema({"type": ["string", "integer"], "format": "size"})]


class Group(BaseModel):
    """A part of the settings; unknown names are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class KafkaSettings(Group):
    """How Kafka is reached. Properties are librdkafka's own names, passed through."""

    bootstrap_servers: str = Field("localhost:9092", min_length=1, description="Brokers to begin with, host:port,"
                                   " separated by commas.")
    properties: Properties = Field({}, repr=False, description="Properties of all clients, such as"
                                   " security.protocol, sasl.mechanism, ssl.ca.location. Values may be references"
                                   " (env:NAME, file:PATH); secret ones must be.")
    consumer_properties: Properties = Field({}, repr=False, description="Further properties of consumers.")
    producer_properties: Properties = Field({}, repr=False, description="Further properties of producers.")

    def client(self, *more: Mapping[str, Any]) -> dict[str, Any]:
        """Properties of a client; `more`, in order, stands in front of what all clients have."""
        made: dict[str, Any] = {"bootstrap.servers": self.bootstrap_servers, **self.properties}
        for one in more:
            made.update(one)
        return made


class TopicSettings(Group):
    """Names of the topics."""

    interactions: str = Field("prompt.interactions", min_length=1, description="Input: what users did to prompts.")
    attributes: str = Field("user.attributes", min_length=1, description="Input: what is synced about users.")
    replays: str = Field("prompt-actions.replays", min_length=1, description="Input: dead letters to run again.")
    results: str = Field("action.results", min_length=1, description="Output: how each binding ended.")
    dead_letters: str = Field("action.dead-letters", min_length=1, description="Output: what failed, and why.")
    config: str = Field("prompt-actions.config", min_length=1, description="Configuration of the apps.")
    demand: str = Field("prompt-actions.demand", min_length=1, description="What each process would send.")
    audit: str = Field("prompt-actions.audit", min_length=1, description="Who did what to dead letters and users.")
    attributes_changelog: str = Field("prompt-actions.attributes", min_length=1,
                                      description="Changelog of the attribute store.")
    chains: str = Field("prompt-actions.chains", min_length=1, description="Changelog of the open chains.")
    finished: str = Field("prompt-actions.finished", min_length=1, description="Changelog of the finished events.")

    @model_validator(mode="after")
    def _differ(self) -> TopicSettings:
        names: dict[str, str] = {}
        for field, name in self:
            if name in names:
                raise ValueError(f"'{names[name]}' and '{field}' name the same topic '{name}'")
            names[name] = field
        return self


class RegistrySettings(Group):
    """A schema registry that speaks Confluent's protocol."""

    url: str = Field(pattern=r"^https?://[^\s]+$", description="Its address.")
    username: str = Field("", description="For Basic authentication.")
    password: SecretStr | None = Field(None, description="For Basic authentication; a reference in files.")


class CheckpointSettings(Group):
    """When results, stores and offsets are made durable."""

    interval: Seconds = Field(0.1, description="Time between two checkpoints.")
    min_gap: Seconds = Field(0.005, description="Shortest pause between the end of one and the start of the next.")
    transaction_timeout: Seconds = Field(10.0, description="After this the broker ends a transaction by itself.")


class FlowSettings(Group):
    """How much is under way at once."""

    max_in_flight: int = Field(2000, ge=1, description="Chains in memory.")
    max_in_flight_bytes: Bytes = Field(ByteSize(64 * MIB), description="Bytes of their messages.")
    parked_in_memory: int = Field(50_000, ge=0, description="Parked chains that memory knows; more are on disk alone.")
    batch: int = Field(500, ge=1, le=100_000, description="Records taken from Kafka at once.")


class RetrySettings(Group):
    """How an unavailable vendor is tried again."""

    base: Seconds = Field(0.5, description="Longest wait before the second try; doubles with each.")
    cap: Seconds = Field(60.0, description="Longest wait between two tries.")
    max_attempts: int = Field(8, ge=1, description="It is given up when these ...")
    max_time: Seconds = Field(3600.0, description="... and this time are both used up.")
    retry_after_cap: Seconds = Field(300.0, description="Longest wait that a vendor's Retry-After can ask for.")
    park_after: Seconds = Field(5.0, description="A longer wait parks the chain on disk.")


class StateSettings(Group):
    """Local stores."""

    folder: Path = Field(Path("state"), description="Where they lie; rebuilt from Kafka where it is lost.")
    cache_mb: int = Field(64, ge=8, description="Memory of all their caches together, in MiB.")


class HttpSettings(Group):
    """Calls to vendors."""

    transport: Literal["curl", "requests"] = Field(
        "curl", description="curl for speed and HTTP/2; requests as a second way, which Apple's pushes do not take.")
    connect_timeout: Seconds = Field(5.0, description="For a connection to stand.")
    timeout: Seconds = Field(30.0, description="For a whole call, where connector and app say nothing.")
    max_response_bytes: Bytes = Field(ByteSize(MIB), description="Longer answers are cut off.")
    user_agent: str = Field(f"prompt-actions/{__version__}", description="How we introduce ourselves.")


class ServerSettings(Group):
    """Where /metrics, /live and /ready are served."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all, as in containers.")
    port: int = Field(9464, ge=0, le=65_535, description="Port; 0 takes a free one.")


class LogSettings(Group):
    """What is written to standard error."""

    format: Literal["json", "console"] = Field("json", description="json for machines, console for people.")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severity written.")
    success_sample: float = Field(0.01, ge=0, le=1, description="Share of successful events with a line.")


class OidcSettings(Group):
    """Signing in at a provider of OpenID Connect."""

    issuer: str = Field(pattern=r"^https?://[^\s]+$", description="Its issuer; the rest is discovered from there.")
    client_id: str = Field(min_length=1, description="Under which it knows the console.")
    client_secret: SecretStr | None = Field(None, description="Of the client; a reference in files. None for a"
                                            " public client.")
    scopes: str = Field("openid email profile", pattern=r"(^| )openid( |$)", description="What is asked for.")
    title: str = Field("single sign-on", min_length=1, description="What the button says it signs in with.")
    role_claim: str = Field("groups", min_length=1, description="The claim that role_of looks at.")
    role_of: dict[str, str] = Field({}, description="Roles by value of the claim: a role in all apps, such as"
                                    " `read_only`, or in one, such as `app_administrator@shop`. Members that the"
                                    " console knows need none.")

    @field_validator("role_of")
    @classmethod
    def _roles(cls, given: dict[str, str]) -> dict[str, str]:
        roles = ("company_administrator", "app_administrator", "app_member", "read_only")
        for group, text in given.items():
            if text.partition("@")[0] not in roles:
                raise ValueError(f"'{group}' gives the role '{text}'; roles are {', '.join(roles)}")
        return given


class ProxySettings(Group):
    """Signing in by the word of a proxy that stands before the console."""

    header: str = Field("", pattern=r"^[A-Za-z0-9-]*$", description="The header with the member's e-mail address;"
                        " empty for none.")
    addresses: tuple[str, ...] = Field((), description="Addresses or networks that the header, and X-Forwarded-For,"
                                       " are believed from.")

    @field_validator("addresses")
    @classmethod
    def _networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for one in given:
            ip_network(one)
        return given

    @model_validator(mode="after")
    def _from_somebody(self) -> ProxySettings:
        if self.header and not self.addresses:
            raise ValueError("name the addresses that the header is believed from: anybody could send it otherwise")
        return self


class ConsoleSettings(Group):
    """The console: `prompt-actions console`."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all, as in containers.")
    port: int = Field(8090, ge=0, le=65_535, description="Port; 0 takes a free one.")
    base_url: str = Field("", pattern=r"^(https?://[^\s/]+)?$", description="How browsers reach it, such as"
                          " https://actions.example.com; empty: as they say. Needed for https and OpenID Connect.")
    session_keys: tuple[SecretStr, ...] = Field((), description="Sign the sessions, the newest first; references in"
                                                " files. None: one for this process, so a restart signs all out.")
    idle: Seconds = Field(3600.0, description="A session without a visit ends after this.")
    lifetime: Seconds = Field(43_200.0, description="Any session ends after this.")
    local_accounts: bool = Field(True, description="Let members sign in with passwords that are kept here.")
    oidc: OidcSettings | None = Field(None, description="Signing in at a provider of OpenID Connect.")
    proxy: ProxySettings = Field(ProxySettings(), description="Signing in by the word of a proxy.")
    max_body_bytes: Bytes = Field(ByteSize(2 * MIB), description="Longer forms and requests are refused.")
    state_folder: Path | None = Field(None, description="Its own index of dead letters and of late outcomes; rebuilt"
                                      " from Kafka where it is lost. Of one console only. Default: `console` within"
                                      " state.folder.")
    outcomes: int = Field(200_000, ge=1000, description="Activity shows so many of the newest outcomes ...")
    outcomes_age: Seconds = Field(DAY, description="... if they are not older than this.")
    metrics_urls: tuple[str, ...] = Field((), description="Of the processors, such as http://processor:9464/metrics;"
                                          " Health tells of circuits and of calls under way only with them.")

    @field_validator("metrics_urls")
    @classmethod
    def _addresses(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for one in given:
            if not one.startswith(("http://", "https://")):
                raise ValueError(f"'{one}' is no address: write http://host:9464/metrics")
        return given

    @field_validator("session_keys")
    @classmethod
    def _long(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(one.get_secret_value()) < 32 for one in keys):
            raise ValueError("each must have 32 characters or more")
        return keys


class IngestSettings(Group):
    """`prompt-actions ingest`: interactions and attributes over HTTP."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all, as in containers.")
    port: int = Field(8080, ge=0, le=65_535, description="Port; 0 takes a free one.")
    keys: dict[str, tuple[SecretStr, ...]] = Field({}, repr=False, description="By app, its keys (references in"
                                                   " files); several while one takes the other's place. Beside them,"
                                                   " tokens of the company with the scope publish.")
    max_body: Bytes = Field(ByteSize(MIB), description="Larger requests are answered with 413.")
    max_batch: int = Field(500, ge=1, le=10_000, description="Records in one request.")
    rate: float = Field(1000.0, ge=0, description="Records a second of one key, beyond them 429; 0 for no limit.")
    burst: int = Field(5000, ge=1, description="Records that a key may send at once after a pause.")
    outstanding: int = Field(20_000, ge=1, description="Records that may wait for Kafka; beyond them 503.")
    timeout: Seconds = Field(10.0, description="After this, what Kafka has not acknowledged is answered with 503.")
    drain: Seconds = Field(20.0, description="Longest wait for requests under way when it stops.")
    refresh: Seconds = Field(5.0, description="How often tokens are read anew.")


class VaultSettings(Group):
    """HashiCorp Vault or OpenBao, for secrets that are references to it (vault:secret/data/path#field)."""

    address: str = Field("", pattern=r"^(https?://[^\s]+)?$", description="Such as https://vault.example:8200."
                         " Default: the variable VAULT_ADDR.")
    namespace: str = Field("", description="Default: VAULT_NAMESPACE.")
    login: Literal["token", "approle", "kubernetes"] = Field("token", description="As whom.")
    token: SecretStr | None = Field(None, description="For login token. Default: VAULT_TOKEN.")
    mount: str = Field("", description="Where the login method is mounted. Default: by its own name.")
    role: str = Field("", description="AppRole's role id, or the name of the Kubernetes role.")
    secret_id: SecretStr | None = Field(None, description="For login approle.")
    jwt_file: Path = Field(Path("/var/run/secrets/kubernetes.io/serviceaccount/token"), description="For login"
                           " kubernetes: the service account's token.")
    ca_file: str = Field("", description="Certificates that its own is checked with. Default: VAULT_CACERT, else the"
                         " system's.")
    keep: Seconds = Field(30.0, description="For how long what was read is used again.")
    timeout: Seconds = Field(5.0, description="For one answer.")


class SecretSettings(Group):
    """How references to secrets are opened."""

    keys: tuple[str, ...] = Field((), description="References (env:NAME, file:PATH) to the keys of sealed secrets:"
                                  " the first one seals, all open. In the environment: JSON.")
    vault: VaultSettings = Field(VaultSettings(), description="Vault or OpenBao.")

    @field_validator("keys")
    @classmethod
    def _references(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for at, one in enumerate(keys):
            if not one.startswith(("env:", "file:", "vault:")):
                raise ValueError(f"key {at + 1} is no reference: write env:NAME or file:PATH, never the key itself")
        return keys


class ProcessorSettings(BaseSettings):
    """Everything about the processor itself; what belongs to an app stands in the app's folder."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", validate_default=True,
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER,
    )

    kafka: KafkaSettings = Field(KafkaSettings(), description="How Kafka is reached.")
    group: str = Field("prompt-actions-processor", min_length=1, description="Consumer group; its processes share"
                       " the work.")
    instance: str = Field(default_factory=socket.gethostname, min_length=1, description="Name of this process in"
                          " the group, the same after a restart. Default: the host's name.")
    group_protocol: Literal["consumer", "classic"] = Field("consumer", description="consumer is KIP-848; classic"
                                                           " for brokers before 4.0.")
    static_membership: bool = Field(False, description="Keep partitions over a short restart.")
    topics: TopicSettings = Field(TopicSettings(), description="Names of the topics.")
    framing: Literal["single_object", "confluent"] = Field("single_object", description="How Avro values are"
                                                           " written; both are read. confluent needs a registry.")
    registry: RegistrySettings | None = Field(None, description="A schema registry.")
    delivery: Literal["exactly_once", "at_least_once"] = Field("exactly_once", description="With transactions, or"
                                                               " without.")
    checkpoint: CheckpointSettings = Field(CheckpointSettings(), description="When things are made durable.")
    flow: FlowSettings = Field(FlowSettings(), description="How much is under way at once.")
    join_grace: Seconds = Field(30.0, description="Longest wait for attributes that are not synced yet.")
    retry: RetrySettings = Field(RetrySettings(), description="How an unavailable vendor is tried again.")
    misconfigured_grace: Seconds = Field(DAY, description="How long chains wait for wrong settings to be mended.")
    misconfigured_pause: Seconds = Field(30.0, description="Time between two tries of settings that are refused.")
    drain: Seconds = Field(40.0, description="Longest wait for calls under way when partitions leave or it stops.")
    future_tolerance: Seconds = Field(DAY, description="Events further ahead of the clock are undecodable.")
    max_value_bytes: Bytes = Field(ByteSize(MIB), description="Larger messages are undecodable.")
    state: StateSettings = Field(StateSettings(), description="Local stores.")
    http: HttpSettings = Field(HttpSettings(), description="Calls to vendors.")
    server: ServerSettings = Field(ServerSettings(), description="Metrics and health.")
    ingest: IngestSettings = Field(IngestSettings(), description="Interactions and attributes over HTTP.")
    secrets: SecretSettings = Field(SecretSettings(), description="How references to secrets are opened.")
    log: LogSettings = Field(LogSettings(), description="What is written to standard error.")
    console: ConsoleSettings = Field(ConsoleSettings(), description="The console in a browser, and its API.")
    config_folder: Path = Field(Path("config"), description="Folder of the apps' configuration; where `file:` secrets"
                                " start from.")
    config_source: Literal["files", "topic"] = Field("files", description="Where the apps' configuration comes from:"
                                                     " the folder, or the topic `topics.config`.")
    overrides: dict[str, dict[str, str]] = Field({}, description="By connector, settings that stand over those of"
                                                 " every app; for emulators and staging. In the environment: JSON.")

    @field_validator("instance")
    @classmethod
    def _one_word(cls, name: str) -> str:
        if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise ValueError("must consist of letters, digits, '.', '-' and '_'")
        return name

    @model_validator(mode="after")
    def _registry_for_confluent(self) -> ProcessorSettings:
        if self.framing == "confluent" and self.registry is None:
            raise ValueError("framing 'confluent' needs registry.url")
        return self

    @property
    def console_folder(self) -> Path:
        """Where the console keeps what it follows."""
        return self.console.state_folder or self.state.folder / "console"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings' own
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given: files and environment are read by `load_settings`, which knows their places."""
        return (init_settings,)
