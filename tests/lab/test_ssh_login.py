"""Reaching, recognising and entering real sshd processes."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from core.errors import (
    AuthFailed,
    ConfigError,
    ConnectError,
    ConnectTimeout,
    HostKeyChanged,
    HostKeyUnknown,
    PassphraseNeeded,
    PasswordNeeded,
    Unreachable,
)
from core.site import files
from core.site.files import Site
from core.site.secrets import Secret
from core.ssh.answers import Answers
from core.ssh.dial import Opening
from core.ssh.session import Session, open_session
from core.ssh.way import find_way
from core.threads import call

from ..chaos.proxy import Proxy, Weather
from .sites import hermetic, site_of
from .sshd import SshAgent, Sshd, fingerprint, keygen, public


@pytest.fixture
def known(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return hermetic(home, monkeypatch)


async def enter(site: Site, answers: Answers | None = None) -> Session:
    told = answers or Answers()
    return await call(open_session, await find_way(site, told), told, Opening())


async def output(session: Session, command: str = "echo hello") -> str:
    def read() -> str:
        channel = session.run(command)
        return b"".join(iter(lambda: channel.recv(4096), b"")).decode().strip()

    try:
        return await call(read)
    finally:
        await call(session.close)


async def test_a_pinned_server_is_entered_with_the_key(sshd: Sshd, known: Path) -> None:
    session = await enter(site_of(sshd))
    assert (session.trusted_by, session.key.fingerprint) == ("site file", sshd.fingerprint)
    assert await output(session) == "hello"


async def test_a_server_of_known_hosts_is_accepted_as_ssh_does(sshd: Sshd, known: Path) -> None:
    known.write_text(sshd.host_key_line + "\n")
    assert (await enter(site_of(sshd, host_key=None))).trusted_by == "known_hosts"


async def test_an_unknown_server_is_shown_and_nothing_is_sent_before_yes(sshd: Sshd, known: Path) -> None:
    site = site_of(sshd, host_key=None)
    with pytest.raises(HostKeyUnknown) as unknown:
        await enter(site)
    facts = unknown.value.facts
    assert facts["fingerprint"] == sshd.fingerprint
    assert (facts["host"], facts["port"], facts["key_type"]) == (sshd.host, sshd.port, "ssh-ed25519")
    assert facts["randomart"].startswith("+--[ED25519 256]--+\n")
    assert "Accepted" not in sshd.log.read_text() and "Failed" not in sshd.log.read_text()
    assert (await enter(site, Answers(accepted={sshd.fingerprint}))).trusted_by == "you"
    with pytest.raises(HostKeyUnknown):
        await enter(site, Answers(accepted={"SHA256:" + "A" * 43}))


async def test_the_fingerprint_that_was_given_must_match(sshd: Sshd, known: Path) -> None:
    site = site_of(sshd, host_key=None)
    assert (await enter(site, Answers(fingerprint=sshd.fingerprint))).trusted_by == "you"
    with pytest.raises(HostKeyChanged) as changed:
        await enter(site, Answers(fingerprint="SHA256:" + "A" * 43))
    assert (changed.value.facts["seen"], changed.value.facts["pinned"]) == (sshd.fingerprint, "SHA256:" + "A" * 43)


async def test_a_changed_key_is_refused_with_both_values(sshd: Sshd, known: Path, home: Path) -> None:
    other = keygen(home / "other")
    known.write_text(f"[{sshd.host}]:{sshd.port} {public(other)}\n")
    with pytest.raises(HostKeyChanged) as changed:
        await enter(site_of(sshd, host_key=None), Answers(accepted={sshd.fingerprint}))
    assert (changed.value.facts["seen"], changed.value.facts["pinned"]) == (sshd.fingerprint, fingerprint(other))
    assert f"{known}:1" == changed.value.facts["source"]
    assert f"ssh-keygen -R '[{sshd.host}]:{sshd.port}' -f {known}" in changed.value.hint
    pinned = site_of(sshd, host_key=f"ssh-ed25519 {fingerprint(other)}", name="pinned")
    with pytest.raises(HostKeyChanged) as changed:
        await enter(pinned, Answers(accepted={sshd.fingerprint}))
    assert changed.value.facts["source"] == str(pinned.path)


async def test_a_revoked_key_is_refused_even_when_it_is_pinned(sshd: Sshd, known: Path) -> None:
    known.write_text("@revoked * " + public(sshd.host_keys[0]) + "\n")
    with pytest.raises(HostKeyChanged, match="revoked"):
        await enter(site_of(sshd), Answers(fingerprint=sshd.fingerprint))


async def test_a_server_with_several_keys_is_asked_for_the_one_that_is_known(home: Path, known: Path) -> None:
    server = Sshd(home / "sshd", host_keys=("ed25519", "rsa", "ecdsa"))
    try:
        known.write_text(f"[{server.host}]:{server.port} {public(server.host_keys[1])}\n")
        session = await enter(site_of(server, host_key=None))
        assert (session.trusted_by, session.key.type) == ("known_hosts", "ssh-rsa")
        known.write_text("")
        given = Answers(fingerprint=fingerprint(server.host_keys[2]))
        session = await enter(site_of(server, host_key=None, name="given"), given)
        assert (session.trusted_by, session.key.type) == ("you", "ecdsa-sha2-nistp256")
    finally:
        server.stop()


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
async def test_an_encrypted_key_asks_for_its_passphrase(sshd: Sshd, known: Path, home: Path, kind: str) -> None:
    key = keygen(home / f"locked_{kind}", kind, passphrase="open sesame")
    sshd.authorise(public(key))
    site = site_of(sshd, identity=key)
    with pytest.raises(PassphraseNeeded) as needed:
        await enter(site)
    assert needed.value.facts["path"] == key
    with pytest.raises(PassphraseNeeded, match="does not open") as wrong:
        await enter(site, Answers(passphrase=Secret("wrong")))
    assert "wrong" not in str(wrong.value.facts)
    assert await output(await enter(site, Answers(passphrase=Secret("open sesame")))) == "hello"


async def test_the_agent_signs_for_an_encrypted_key(sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = SshAgent(home, sshd.client_key)
    try:
        hermetic(home, monkeypatch, f"Host lab\nHostName {sshd.host}\nPort {sshd.port}\nIdentityAgent {agent.socket}")
        assert await output(await enter(site_of(sshd, host="lab"))) == "hello"
        noise = [keygen(home / f"noise{number}") for number in range(6)]
        for key in noise:
            agent.add(key)
        hermetic(
            home,
            monkeypatch,
            f"Host lab\nHostName {sshd.host}\nPort {sshd.port}\nIdentityAgent {agent.socket}\nIdentitiesOnly yes",
            f"IdentityFile {sshd.client_key}.pub",
        )
        assert await output(await enter(site_of(sshd, host="lab", name="only"))) == "hello"
        assert "Failed publickey" not in sshd.log.read_text()
    finally:
        agent.stop()


async def test_few_keys_are_tried_and_the_one_that_is_named_comes_first(
    sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = SshAgent(home, *(keygen(home / f"noise{number}") for number in range(8)))
    try:
        hermetic(home, monkeypatch, f"Host *\nIdentityAgent {agent.socket}")
        assert await output(await enter(site_of(sshd))) == "hello"
        assert "Failed publickey" not in sshd.log.read_text()
        wrong = keygen(home / "wrong")
        with pytest.raises(AuthFailed) as failed:
            await enter(site_of(sshd, identity=wrong, name="wrong"))
        assert len(failed.value.facts["tried"]) == 4 and failed.value.facts["tried"][0] == f"key {wrong}"
        hermetic(home, monkeypatch, f"Host *\nIdentityAgent {agent.socket}\nIdentitiesOnly yes")
        with pytest.raises(AuthFailed) as failed:
            await enter(site_of(sshd, identity=wrong, name="only"))
        assert failed.value.facts["tried"] == [f"key {wrong}"]
        assert failed.value.facts["allowed"] == ["publickey"]
    finally:
        agent.stop()


async def test_a_server_that_gives_up_early_is_explained(home: Path, known: Path) -> None:
    server = Sshd(home / "sshd", settings=["MaxAuthTries 1"])
    try:
        with pytest.raises(AuthFailed, match="ended the connection") as failed:
            await enter(site_of(server, identity=keygen(home / "wrong")))
        assert "MaxAuthTries" in failed.value.hint
    finally:
        server.stop()


async def test_a_link_that_is_cut_during_the_login_is_no_refusal(home: Path, known: Path) -> None:
    """At any byte of it: it may be tried again."""
    server = Sshd(home / "sshd")
    proxy = Proxy(server.port)
    path = site_of(server).path
    path.write_text(path.read_text().replace(f"port = {server.port}", f"port = {proxy.port}"))
    site, failures = files.load(path), set()
    try:
        await call((await enter(site)).close)
        whole = proxy.carried
        for after in range(whole - 1500, whole, 100):
            proxy.weather = lambda _, after=after: Weather(end="reset", after=after)  # type: ignore[misc]
            try:
                await call((await enter(site)).close)
            except ConnectError as error:
                assert error.retryable, (after, whole, error.title)
                failures.add(error.title)
        assert any("during the login" in title for title in failures), failures
    finally:
        proxy.close()
        server.stop()


async def test_a_password_is_asked_for_only_where_the_server_takes_one(home: Path, known: Path) -> None:
    server = Sshd(home / "sshd", settings=["PasswordAuthentication yes", "PermitRootLogin yes"])
    try:
        site = site_of(server, identity=keygen(home / "wrong"))
        with pytest.raises(PasswordNeeded) as needed:
            await enter(site)
        assert needed.value.facts == {"user": server.user, "host": server.host}
        with pytest.raises(AuthFailed) as failed:
            await enter(site, Answers(password=Secret("not the one")))
        assert failed.value.facts["tried"][-1] == "password"
        assert "not the one" not in repr(failed.value.facts) + failed.value.title + failed.value.hint
    finally:
        server.stop()


@pytest.mark.parametrize("content", [None, "rubbish\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
async def test_a_missing_or_broken_key_file_is_named(sshd: Sshd, known: Path, home: Path, content: str | None) -> None:
    path = home / "key"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=str(path)):
        await enter(site_of(sshd, identity=path))


async def test_a_jump_host_is_recognised_and_entered_before_the_vm(
    sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jump = Sshd(home / "jump", authorised=[public(sshd.client_key)])
    try:
        lines = [
            f"Host jump\nHostName {jump.host}\nPort {jump.port}\nIdentityFile {sshd.client_key}",
            f"Host lab\nHostName {sshd.host}\nPort {sshd.port}\nProxyJump jump",
        ]
        known = hermetic(home, monkeypatch, *lines)
        site = site_of(sshd, host="lab", identity=sshd.client_key)
        with pytest.raises(HostKeyUnknown) as unknown:
            await enter(site)
        assert unknown.value.facts["port"] == jump.port
        assert "Accepted" not in jump.log.read_text()
        known.write_text(jump.host_key_line + "\n")
        session = await enter(site)
        assert [by for _, _, by in session.jump_keys] == ["known_hosts"]
        assert await output(session, "echo $SSH_CONNECTION") != ""
        assert "Accepted publickey" in jump.log.read_text() and "Accepted publickey" in sshd.log.read_text()
        sshd.stop()
        with pytest.raises(Unreachable, match="does not reach"):
            await enter(site)
    finally:
        jump.stop()


async def test_a_password_is_never_sent_to_a_jump_host(sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jump = Sshd(home / "jump", settings=["PasswordAuthentication yes", "PermitRootLogin yes"])
    lines = [
        f"Host jump\nHostName {jump.host}\nPort {jump.port}",
        f"Host lab\nHostName {sshd.host}\nPort {sshd.port}\nProxyJump jump",
    ]
    try:
        hermetic(home, monkeypatch, *lines).write_text(jump.host_key_line + "\n")
        site = site_of(sshd, host="lab", identity=sshd.client_key)
        for answers in (Answers(), Answers(password=Secret("for the VM"))):
            with pytest.raises(AuthFailed) as failed:
                await enter(site, answers)
            assert failed.value.facts["allowed"] == ["publickey", "password"]
        assert "Failed password" not in jump.log.read_text()
    finally:
        jump.stop()


async def test_a_proxy_command_carries_the_connection_and_ends_with_it(
    sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = home / "relay.py"
    relay.write_text(
        "import os, socket, sys, threading\n"
        f"open({str(home / 'relay.pid')!r}, 'w').write(str(os.getpid()))\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def up():\n"
        "    while data := os.read(0, 65536): s.sendall(data)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := s.recv(65536): os.write(1, data)\n"
    )
    lines = [f"Host lab\nHostName {sshd.host}\nPort {sshd.port}\nProxyCommand python3 {relay} %h %p"]
    hermetic(home, monkeypatch, *lines)
    assert await output(await enter(site_of(sshd, host="lab", identity=sshd.client_key))) == "hello"
    with pytest.raises(ProcessLookupError):
        os.kill(int((home / "relay.pid").read_text()), 0)


async def test_a_proxy_command_that_fails_is_named(sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hermetic(home, monkeypatch, "Host lab\nProxyCommand false %h")
    with pytest.raises(Unreachable) as failed:
        await enter(site_of(sshd, host="lab", identity=sshd.client_key))
    assert "false lab" in failed.value.hint


def pending_timers() -> list[threading.Thread]:
    """paramiko starts one for each handshake."""
    return [t for t in threading.enumerate() if isinstance(t, threading.Timer) and not t.finished.is_set()]


async def test_nobody_there_is_said_at_once(sshd: Sshd, known: Path) -> None:
    site = site_of(sshd)
    sshd.stop()
    with pytest.raises(Unreachable, match="refuses"):
        await enter(site)


async def test_a_silent_server_times_out(sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        hermetic(home, monkeypatch, f"Host lab\nHostName 127.0.0.1\nPort {port}\nConnectTimeout 1")
        with pytest.raises(ConnectTimeout):
            await enter(site_of(sshd, host="lab", identity=sshd.client_key))
    assert pending_timers() == []


async def test_something_else_than_ssh_is_named(sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_hang_up, args=(server,), daemon=True).start()
        hermetic(home, monkeypatch, f"Host lab\nHostName 127.0.0.1\nPort {server.getsockname()[1]}\nConnectTimeout 3")
        with pytest.raises(ConnectError):
            await enter(site_of(sshd, host="lab", identity=sshd.client_key))


def _hang_up(server: socket.socket) -> None:
    connection, _ = server.accept()
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connection.close()


async def test_a_server_with_old_algorithms_only_is_explained(home: Path, known: Path) -> None:
    server = Sshd(home / "sshd", settings=["Ciphers aes128-cbc,3des-cbc"])
    try:
        with pytest.raises(ConnectError, match="no ciphers in common") as failed:
            await enter(site_of(server))
        assert "aes128-cbc, 3des-cbc" in failed.value.title
        assert pending_timers() == []
    finally:
        server.stop()
