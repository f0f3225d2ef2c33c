"""Addresses, and what `ssh -G` says about them."""

from __future__ import annotations

import getpass
import shutil
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError, UsageError
from core.ssh import hosts
from core.ssh.hosts import Target, build, parse, parse_settings, resolve, split_paths


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("vm", Target("vm")),
        ("me@vm", Target("vm", None, "me")),
        ("me@vm:2222", Target("vm", 2222, "me")),
        ("203.0.113.10:22", Target("203.0.113.10", 22)),
        ("me@[2001:db8::1]:2222", Target("2001:db8::1", 2222, "me")),
        ("[2001:db8::1]", Target("2001:db8::1")),
        ("2001:db8::1", Target("2001:db8::1")),
        ("me@fe80::1%eth0", Target("fe80::1%eth0", None, "me")),
        ("name@corp@vm", Target("vm", None, "name@corp")),
    ],
)
def test_an_address_is_read(text: str, target: Target) -> None:
    assert parse(text) == target


PORTS = ["vm:", "vm:0", "vm:65536", "vm:x", "vm:²", "[::1", "[::1]x", "[vm]:22"]
OPTIONS = ["-oProxyCommand=x", "me@-v", "-l@vm"]
SHELL = ["a b", "vm;id", "$(id)@vm", "vm`id`", "me@vm|x", "me\x00@vm", "v\nm"]


@pytest.mark.parametrize("text", ["", "@vm", "me@", *PORTS, *OPTIONS, *SHELL])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert refused.value.hint


NAMES = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=20).filter(lambda s: s[0] != "-")
IPV6 = st.ip_addresses(v=6).map(str)


@given(NAMES | IPV6, st.none() | st.integers(1, 65535), st.none() | NAMES)
def test_what_is_written_is_read_again(host: str, port: int | None, user: str | None) -> None:
    target = Target(host, port, user)
    assert parse(str(target)) == target


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_usage_error(text: str) -> None:
    try:
        target = parse(text)
    except UsageError:
        return
    for name in (target.host, target.user or "x"):
        assert name and not name.startswith("-") and not set(name) & set(" \t\n'\"`$;&|<>(){}\\")


def test_several_paths_on_one_line_are_told_apart() -> None:
    line = "/root/.ssh/known_hosts /tmp/a b/known hosts ~/x %d/y"
    assert split_paths(line) == ["/root/.ssh/known_hosts", "/tmp/a b/known hosts", "~/x", "%d/y"]
    assert split_paths("none") == []


def test_settings_of_ssh_are_taken_over_and_explicit_values_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOO", "/run/agent")
    text = (
        "hostname 192.0.2.7\nport 2200\nuser azureuser\nidentitiesonly yes\nidentityagent $FOO\n"
        "identityfile ~/.ssh/%r_%h\nidentityfile /keys/two\nproxyjump a@b:23,[2001:db8::1]:24\nconnecttimeout 7\n"
        "hostkeyalias ward\nuserknownhostsfile /k/%h\nglobalknownhostsfile none\n"
    )
    host = build(Target("vm"), parse_settings(text), Path("/own"))
    assert (host.hostname, host.port, host.user, host.timeout_s) == ("192.0.2.7", 2200, "azureuser", 7)
    assert host.identities == (Path.home() / ".ssh/azureuser_192.0.2.7", Path("/keys/two"))
    assert (host.identity, host.identities_only, host.agent) == (Path("/own"), True, "/run/agent")
    assert host.jumps == (Target("b", 23, "a"), Target("2001:db8::1", 24))
    assert (host.known_as, host.known_hosts) == ("ward", (Path("/k/192.0.2.7"),))
    explicit = build(Target("vm", 22, "me"), parse_settings(text), None)
    assert (explicit.port, explicit.user) == (22, "me")
    assert build(Target("vm"), parse_settings(text), None, direct=True).jumps == ()


def test_none_means_none() -> None:
    host = build(Target("vm"), parse_settings("identityagent none\nproxycommand none\nproxyjump none\n"), None)
    assert (host.agent, host.proxy_command, host.jumps) == (None, "", ())


def test_a_proxy_command_has_its_tokens_expanded() -> None:
    settings = parse_settings("hostname 192.0.2.7\nport 23\nuser me\nproxycommand nc -X %% %h %p %r %n %z\n")
    assert build(Target("vm"), settings, None).proxy_command == "nc -X % 192.0.2.7 23 me vm %z"


async def test_ssh_itself_reads_its_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "more").write_text("Host vm\n  HostName 192.0.2.9\n  Port 2022\n  User azureuser\n")
    config = tmp_path / "config"
    config.write_text(f"Include {tmp_path}/more\nMatch host 192.0.2.9\n  ConnectTimeout 3\n")
    monkeypatch.setenv(hosts.CONFIG_VARIABLE, str(config))
    host = await resolve(Target("vm"))
    assert (host.hostname, host.port, host.user) == ("192.0.2.9", 2022, "azureuser")
    assert host.command == "ssh -p 2022 azureuser@vm"
    assert (await resolve(Target("vm", 22, "me"))).command == "ssh me@vm"


async def test_a_broken_configuration_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("NoSuchKeyword yes\n")
    monkeypatch.setenv(hosts.CONFIG_VARIABLE, str(config))
    with pytest.raises(ConfigError, match="ssh cannot read its configuration"):
        await resolve(Target("vm"))


async def test_without_ssh_the_plain_values_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    host = await resolve(Target("192.0.2.9"))
    assert (host.hostname, host.port, host.user, host.timeout_s) == ("192.0.2.9", 22, getpass.getuser(), 15)
    assert host.identities[0] == Path("~/.ssh/id_ed25519").expanduser()
    assert Path("/etc/ssh/ssh_known_hosts") in host.known_hosts


@pytest.mark.parametrize("host", ["-oProxyCommand=touch x", "", "a b"])
async def test_a_host_that_ssh_could_misread_never_reaches_it(host: str) -> None:
    with pytest.raises(UsageError):
        await resolve(Target(host))
