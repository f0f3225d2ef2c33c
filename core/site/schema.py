"""What a site file may say: its shape, its defaults, and nothing about where it is read from."""

from __future__ import annotations

import datetime
from typing import Literal

import msgspec


class VM(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str
    port: int | None = None  # None: what ssh_config says, else 22
    user: str | None = None
    identity: str | None = None
    host_keys: list[str] = []  # "ssh-ed25519 SHA256:…"
    root: str = "~/.trainshed"
    sandbox: Literal["auto", "docker", "bwrap"] = "auto"
    slots: int = 1  # runs at once; the others wait for their turn. 0: no limit
    packages: Literal["index", "client"] = "index"  # who fetches pip packages: the VM, or the client for it


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    endpoint: str  # https://account.blob.REGION.FQDN[:port]
    container: str
    credential: str  # keyring:…, env:NAME or file:PATH
    address: str | None = None
    prefix: str = ""
    ca_bundle: str | None = None  # relative to the site file
    api_version: str = "auto"
    key_on_vm: bool = False  # the VM may have the account key, where the service takes no token made of it
    aliases: dict[str, str] = {}


class Workspace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: Literal["local", "azure"] = "local"
    tracking_uri: str | None = None
    subscription_id: str | None = None
    resource_group: str | None = None
    name: str | None = None
    tenant_id: str | None = None


class Registry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    server: str
    credential: str | None = None


class Environment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    image: str | None = None
    requirements: str | None = None  # relative to the site file


class Gate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    on_hold: Literal["review", "deny"] = "review"


class Accepted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding that somebody answers for, through the day `until`."""

    owner: str
    reason: str
    until: datetime.date


class Checks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    profile: str = "pattern"
    off: list[str] = []
    values: dict[str, int | str | list[str]] = {}
    accepted: dict[str, Accepted] = {}


class SiteFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    vms: dict[str, VM]
    default_vm: str | None = None
    data: Data | None = None
    workspace: Workspace = Workspace()
    registry: Registry | None = None
    environments: dict[str, Environment] = {}
    gate: Gate = Gate()
    checks: Checks = Checks()
