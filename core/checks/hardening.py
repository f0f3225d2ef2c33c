"""Evaluators: permissions of files, forwarding, and what else listens."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from .model import Seen, Verdict, value

WRITABLE_BY_ALL = 0o002
WRITABLE_BY_OTHERS = 0o022  # what sshd's StrictModes refuses
READABLE_BY_OTHERS = 0o077
KEY_GROUPS = {"ssh_keys"}  # Red Hat's group for ssh-keysign
# Services that hand out a shell or data to whoever connects, by port.
OPEN_DOORS = {
    2375: "Docker",
    2376: "Docker",
    5000: "MLflow",
    6379: "Redis",
    6443: "Kubernetes",
    8265: "Ray",
    8786: "Dask",
    8888: "Jupyter",
    10250: "kubelet",
}
FORWARDING = {"permittunnel": "no", "x11forwarding": "no", "gatewayports": "no"}


def host_key_permissions(seen: Seen, _: None) -> Verdict:
    """0600 and owned by root (or by who runs the sshd), or 0640 with the group ssh_keys."""
    keys = seen.section("host_keys")
    if not keys:
        return Verdict("unknown", "no private host key file is known (an agent may hold them)")
    owners = {0, seen.section("sshd").get("uid", 0)}
    wrong = [_shown(key) for key in keys if key["uid"] not in owners or _too_open(key)]
    if wrong:
        return Verdict("fail", "; ".join(wrong))
    return Verdict("pass", "; ".join(_shown(key) for key in keys))


def _too_open(key: Mapping[str, Any]) -> bool:
    mode = int(key["mode"])
    return bool(mode & (0o037 if key["group"] in KEY_GROUPS else READABLE_BY_OTHERS))


def _shown(entry: Mapping[str, Any]) -> str:
    return f"{entry['path']} {entry['mode']:04o} uid {entry['uid']}"


def ssh_dir_permissions(seen: Seen, _: None) -> Verdict:
    """Failing is what StrictModes refuses; keys that others may only read are worth a warning."""
    files = [entry for entry in seen.section("ssh_dir") if entry["exists"]]
    wrong = [entry for entry in files if _foreign(entry) or _others_may_write(entry)]
    if wrong:
        return Verdict("fail", "; ".join(_shown(entry) for entry in wrong))
    own = [entry for entry in files if entry["kind"] in ("ssh", "keys") and entry["uid"] == entry["account"]]
    loose = [entry for entry in own if entry["mode"] & READABLE_BY_OTHERS]
    if loose:
        return Verdict("warn", "others can read " + "; ".join(_shown(entry) for entry in loose), "low")
    return Verdict("pass", "; ".join(_shown(entry) for entry in files) or "no such files")


def _foreign(entry: Mapping[str, Any]) -> bool:
    return entry["uid"] not in (0, entry["account"])


def _others_may_write(entry: Mapping[str, Any]) -> bool:
    return bool(entry["mode"] & WRITABLE_BY_OTHERS)


def tunnel_x11_gateway(seen: Seen, _: None) -> Verdict:
    config = seen.config()
    wrong = [f"{key} {value(config, key)}" for key, good in FORWARDING.items() if value(config, key) not in (good, "")]
    if wrong:
        return Verdict("fail", ", ".join(wrong))
    sockets = value(config, "allowstreamlocalforwarding")
    evidence = ", ".join(f"{key} {value(config, key) or 'unset'}" for key in FORWARDING)
    if sockets in ("yes", "all", "remote") and value(config, "disableforwarding") != "yes":
        return Verdict("warn", f"{evidence}, allowstreamlocalforwarding {sockets}", "low")
    return Verdict("pass", f"{evidence}, allowstreamlocalforwarding {sockets or 'unset'}")


def other_listeners(seen: Seen, _: None) -> Verdict:
    """Whatever listens beyond loopback and is not SSH."""
    ports = _ssh_ports(seen)
    outside = [item for item in seen.section("listeners") if not _loopback(item["address"])]
    others = [item for item in outside if item["port"] not in ports and item["process"] != "sshd"]
    doors = [item for item in others if item["port"] in OPEN_DOORS]
    if doors:
        return Verdict("fail", "; ".join(_listener(item) for item in doors))
    if others:
        return Verdict("warn", "; ".join(_listener(item) for item in others), "medium")
    return Verdict("pass", "nothing but SSH listens beyond loopback")


def docker(seen: Seen, _: None) -> Verdict:
    """Without live-restore every update of Docker ends what runs; whoever writes to its socket is root."""
    found = seen.section("docker")
    if not found["version"]:
        return Verdict("skipped", found["reason"])
    live = f"Docker {found['version']}, live-restore {'on' if found['live_restore'] else 'off'}"
    evidence = f"{live}, socket {found['socket_mode']:o}"
    if found["socket_mode"] & WRITABLE_BY_ALL:
        return Verdict("fail", f"{evidence}: every account of the VM can become root", "critical")
    return Verdict("pass", evidence) if found["live_restore"] else Verdict("warn", evidence)


def _ssh_ports(seen: Seen) -> set[int]:
    """The port that we came in by, and those of the configuration (systemd may hold them in sshd's place)."""
    server = seen.host.get("sshd", {})
    return {server.get("port", 22), *map(int, server.get("config", {}).get("port", []))}


def _loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _listener(item: Mapping[str, Any]) -> str:
    host = f"[{item['address']}]" if ":" in item["address"] else item["address"]
    name = item["process"] or OPEN_DOORS.get(item["port"], "")
    return f"{host}:{item['port']}" + (f" ({name})" if name else "")
