"""`connect` from an address to a site file, and the wire probe, against real servers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import live
from core.errors import HostKeyChanged, HostKeyUnknown, Unreachable, UsageError
from core.events import Connected, Event, Phase, RunsListed, SiteWritten
from core.site import files, paths
from core.ssh.connection import LiveConnection
from core.ssh.link import SiteLink
from core.ssh.probe import probe

from .sites import hermetic, site_of
from .sshd import Sshd, keygen, public


@pytest.fixture(autouse=True)
def known(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return hermetic(home, monkeypatch)


async def collect(connection: LiveConnection, *args: Any, **kwargs: Any) -> list[Event]:
    return [event async for event in connection.connect(*args, **kwargs)]


async def every(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


def address(server: Sshd) -> str:
    return f"{server.user}@{server.host}:{server.port}"


async def test_an_address_and_a_key_become_a_site(sshd: Sshd) -> None:
    connection = LiveConnection(None, SiteLink(None))
    key = str(sshd.client_key)
    try:
        with pytest.raises(HostKeyUnknown):
            await collect(connection, address(sshd), identity=key)
        assert files.names() == []
        events = await collect(connection, address(sshd), identity=key, accept=sshd.fingerprint)
    finally:
        await connection.close()
    connected, written = events[-2:]
    assert isinstance(connected, Connected) and isinstance(written, SiteWritten)
    assert (connected.trusted_by, connected.fingerprint, connected.port) == ("you", sshd.fingerprint, sshd.port)
    assert connected.agent_placed and abs(connected.facts.clock_skew_s) < 0.5
    site = files.load(Path(written.path))
    assert (site.vm.host, site.vm.port, site.vm.user) == (sshd.host, sshd.port, sshd.user)
    assert (site.vm.host_keys, site.vm.identity) == ([sshd.pinned], key)
    phases = [event for event in events if isinstance(event, Phase)]
    assert any(f"ssh -p {sshd.port} -i {key} {sshd.user}@{sshd.host}" == phase.command for phase in phases)
    again = LiveConnection(files.find(), SiteLink(files.find()))
    try:
        second = await collect(again)
    finally:
        await again.close()
    assert isinstance(second[-1], Connected)
    assert (second[-1].trusted_by, second[-1].agent_placed) == ("site file", False)


async def test_a_failed_connect_leaves_nothing_behind(sshd: Sshd, home: Path) -> None:
    before = _files(home, sshd)
    connection = LiveConnection(None, SiteLink(None))
    key = str(sshd.client_key)
    for fault in ({"fingerprint": "SHA256:" + "A" * 43}, {"identity": str(home / "none")}):
        with pytest.raises(Exception, match=r"fingerprint|there is no key"):
            await collect(connection, address(sshd), **{"identity": key, "accept": sshd.fingerprint, **fault})
    sshd.stop()
    with pytest.raises(Unreachable):
        await collect(connection, address(sshd), identity=key, accept=sshd.fingerprint)
    await connection.close()
    assert _files(home, sshd) == before


def _files(home: Path, server: Sshd) -> list[Path]:
    """All but the server's own: it takes its pid file away."""
    return sorted(path for path in home.rglob("*") if path.parent != server.folder)


async def test_a_session_without_a_site_is_that_of_the_address_it_connected_to(sshd: Sshd) -> None:
    services = live.open_site(None)
    assert (services.site.name, services.site.vm, services.site.path) == ("", "", None)
    asked: dict[str, Any] = {"identity": str(sshd.client_key)}
    try:
        with pytest.raises(HostKeyUnknown):
            await every(services.connection.connect(address(sshd), **asked))
        assert services.site.name == "", "nothing is written yet"
        events = await every(services.connection.connect(address(sshd), **asked, accept=sshd.fingerprint))
        assert isinstance(events[-1], SiteWritten)
        assert (services.site.name, str(services.site.path)) == (events[-1].name, events[-1].path)
        assert services.site.vm == files.load(Path(events[-1].path)).vm_name
        assert isinstance((await every(services.runs.list()))[-1], RunsListed)
    finally:
        await services.close()


async def test_read_only_neither_pins_a_key_nor_writes_a_site_file(sshd: Sshd, home: Path) -> None:
    site = site_of(sshd, host_key=None)
    before = site.path.read_text()
    services = live.open_site(site, read_only=True)
    try:
        with pytest.raises(UsageError, match="read-only"):
            await every(services.connection.connect("someone@192.0.2.1"))
        events = await every(services.connection.connect(accept=sshd.fingerprint))
    finally:
        await services.close()
    connected = events[-1]
    assert isinstance(connected, Connected) and connected.trusted_by == "you"
    assert site.path.read_text() == before


@pytest.mark.parametrize("target", ["-oProxyCommand=touch x", "me@-x", "a b", "me@host:0", "me@host;id", "@host", ""])
async def test_rubbish_is_refused_before_anything_runs(target: str) -> None:
    with pytest.raises(UsageError):
        await collect(LiveConnection(None, SiteLink(None)), target)


async def test_a_fingerprint_in_another_form_is_refused(sshd: Sshd) -> None:
    with pytest.raises(UsageError, match="SHA256"):
        await collect(LiveConnection(None, SiteLink(None)), address(sshd), fingerprint="MD5:aa:bb")


async def test_yes_pins_the_key_of_a_site_and_a_new_key_is_refused_from_then_on(sshd: Sshd) -> None:
    site = site_of(sshd, host_key=None)
    connection = LiveConnection(site, SiteLink(site))
    try:
        await collect(connection, "vm", fingerprint=sshd.fingerprint)
    finally:
        await connection.close()
    site = files.load(site.path)
    assert site.vm.host_keys == [sshd.pinned]
    sshd.stop()
    for path in sshd.folder.glob("host_ed25519*"):
        path.unlink()
    keygen(sshd.folder / "host_ed25519")
    sshd.start()
    fresh = LiveConnection(site, SiteLink(site))
    with pytest.raises(HostKeyChanged):
        await collect(fresh, accept=sshd.fingerprint)
    await fresh.close()
    assert files.load(site.path).vm.host_keys == site.vm.host_keys


async def test_the_key_of_a_jump_host_is_asked_for_once_and_kept(
    sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jump = Sshd(home / "jump", authorised=[public(sshd.client_key)])
    lines = [
        f"Host jump\nHostName {jump.host}\nPort {jump.port}\nIdentityFile {sshd.client_key}",
        f"Host lab\nHostName {sshd.host}\nPort {sshd.port}\nProxyJump jump",
    ]
    hermetic(home, monkeypatch, *lines)
    site = site_of(sshd, host="lab", identity=sshd.client_key, host_key=None)
    connection = LiveConnection(site, SiteLink(site))
    try:
        with pytest.raises(HostKeyUnknown) as first:
            await collect(connection)
        assert first.value.facts["fingerprint"] == jump.fingerprint
        with pytest.raises(HostKeyUnknown) as second:
            await collect(connection, accept=jump.fingerprint)
        assert second.value.facts["fingerprint"] == sshd.fingerprint
        events = await collect(connection, accept=sshd.fingerprint)
        assert isinstance(events[-1], Connected)
        await connection.close()
        site = files.load(site.path)
        assert site.vm.host_keys == [sshd.pinned]
        assert (paths.state(site.name) / "known_hosts").read_text() == jump.host_key_line + "\n"
        later = LiveConnection(site, SiteLink(site))
        assert isinstance((await collect(later))[-1], Connected)
        await later.close()
    finally:
        await connection.close()
        jump.stop()


async def test_the_probe_reads_the_offer_with_one_connection_and_no_credential(sshd: Sshd) -> None:
    offer = await probe(site_of(sshd))
    assert offer.banner.startswith("SSH-2.0-OpenSSH")
    assert "kex-strict-s-v00@openssh.com" in offer.kex and "ssh-ed25519" in offer.host_key_algorithms
    assert "chacha20-poly1305@openssh.com" in offer.ciphers and "hmac-sha2-256-etm@openssh.com" in offer.macs
    assert "none" in offer.compression and len(offer.lists) == 10
    assert (offer.auth_methods, offer.reason) == (("publickey",), "")
    assert offer.host_key is not None and offer.host_key.fingerprint == sshd.fingerprint
    assert sshd.log.read_text().count("Connection from") == 1
    assert "publickey" not in sshd.log.read_text() and "password" not in sshd.log.read_text()


async def test_the_probe_sees_the_offer_of_a_server_that_we_cannot_use(home: Path) -> None:
    settings = ["KexAlgorithms diffie-hellman-group14-sha1", "Ciphers aes128-cbc", "MACs hmac-sha1"]
    server = Sshd(home / "sshd", settings=settings)
    try:
        offer = await probe(site_of(server))
    finally:
        server.stop()
    assert "diffie-hellman-group14-sha1" in offer.kex
    assert (offer.ciphers, offer.macs) == (("aes128-cbc",), ("hmac-sha1",))
    assert offer.auth_methods is None and "no kex in common" in offer.reason
    assert server.log.read_text().count("Connection from") == 1


async def test_the_probe_meets_weak_algorithms_that_a_connect_refuses(home: Path) -> None:
    settings = ["Ciphers 3des-cbc", "MACs hmac-sha1", "PasswordAuthentication yes"]
    server = Sshd(home / "sshd", settings=settings)
    try:
        offer = await probe(site_of(server))
    finally:
        server.stop()
    assert offer.ciphers == ("3des-cbc",)
    assert offer.auth_methods == ("publickey", "password")


async def test_the_probe_goes_over_the_jump_host(sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jump = Sshd(home / "jump", authorised=[public(sshd.client_key)])
    lines = [
        f"Host jump\nHostName {jump.host}\nPort {jump.port}\nIdentityFile {sshd.client_key}",
        f"Host lab\nHostName {sshd.host}\nPort {sshd.port}\nProxyJump jump",
    ]
    hermetic(home, monkeypatch, *lines).write_text(jump.host_key_line + "\n")
    try:
        offer = await probe(site_of(sshd, host="lab", identity=sshd.client_key))
    finally:
        jump.stop()
    assert offer.auth_methods == ("publickey",)
    assert "Accepted publickey" in jump.log.read_text() and "Accepted" not in sshd.log.read_text()


async def test_the_probe_of_no_server_is_an_error(sshd: Sshd) -> None:
    site = site_of(sshd)
    sshd.stop()
    with pytest.raises(Unreachable):
        await probe(site)


async def test_the_clock_skew_does_not_count_the_way_there(sshd: Sshd) -> None:
    """Behind a relay that holds every byte for 100 ms each way, the clocks still agree."""
    with _Delay(sshd.port, 0.1) as relay:
        site = files.load(
            files.write_new(
                "slow",
                "vm",
                host=sshd.host,
                port=relay.port,
                user=sshd.user,
                identity=str(sshd.client_key),
                host_key=sshd.pinned,
            )
        )
        connection = LiveConnection(site, SiteLink(site))
        events = await collect(connection)
        await connection.close()
    connected = events[-1]
    assert isinstance(connected, Connected)
    assert abs(connected.facts.clock_skew_s) < 0.06


class _Delay:
    """A TCP relay on loopback that passes every piece on after `seconds`."""

    def __init__(self, target: int, seconds: float) -> None:
        self._target = target
        self._seconds = seconds
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]

    def __enter__(self) -> _Delay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                time.sleep(self._seconds)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
