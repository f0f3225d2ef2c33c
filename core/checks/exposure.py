"""Evaluators: what the host lets through, and what listens on it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from .model import Seen, Verdict, value
from .rules import words

WRITABLE_BY_ALL = 0o002
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


def forwarding_tcp(seen: Seen, target: str) -> Verdict:
    """A tunnel to the named places is what we need; any other is a way out for records."""
    config = seen.config()
    if value(config, "disableforwarding") == "yes":
        return Verdict("pass", "disableforwarding yes")
    setting, places = value(config, "allowtcpforwarding"), words(config, "permitopen")
    evidence = f"allowtcpforwarding {setting}, permitopen {places}"
    if setting == "no" or (setting == "local" and places == "none"):
        return Verdict("pass", evidence)
    if setting != "local" or target == "none":
        return Verdict("fail", evidence)
    if places == "any":
        return Verdict("warn", f"{evidence}: a tunnel leads wherever the host can reach", "medium")
    strange = [place for place in places.split() if place not in (target, "none")]
    if strange:
        return Verdict("warn", f"{evidence}: {', '.join(strange)} beside {target}", "low")
    return Verdict("pass", evidence)


def sftp_is_logged(text: str, _: object) -> bool:
    """`subsystem` as sshd prints it: lines of a name and a command."""
    return "sftp" not in text or " -l info" in text or " -l verbose" in text


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


def listen_scope(seen: Seen, _: None) -> Verdict:
    """Where our server listens, beside the addresses that the host has."""
    port = seen.section("sshd").get("port", 22)
    at = sorted({item["address"] for item in seen.section("listeners") if item["port"] == port})
    own = [address for address in seen.section("addresses")["local"] if not _loopback(address)]
    everywhere = any(ipaddress.ip_address(address).is_unspecified for address in at)
    reached = own if everywhere else [address for address in at if not _loopback(address)]
    outside = [address for address in reached if ipaddress.ip_address(address).is_global]
    evidence = f"port {port} on {', '.join(at) or 'no socket that we see'}"
    if not at:
        return Verdict("unknown", evidence)
    if outside:
        return Verdict("fail", f"{evidence}: reached from the internet at {', '.join(outside)}")
    if everywhere:
        return Verdict("warn", f"{evidence}: every address; all are private ({', '.join(own) or 'none'})", "low")
    return Verdict("pass", evidence)


def other_listeners(seen: Seen, _: None) -> Verdict:
    """Whatever listens beyond loopback and is not SSH, which its port tells: a tunnel's end (-R) is called sshd too."""
    ports = _ssh_ports(seen)
    outside = [item for item in seen.section("listeners") if not _loopback(item["address"])]
    others = [item for item in outside if item["port"] not in ports]
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
