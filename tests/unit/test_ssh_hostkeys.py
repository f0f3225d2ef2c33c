"""Host keys: pictures and lookups equal OpenSSH's own, and the decision."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import HostKeyChanged, HostKeyUnknown
from core.ssh.hostkeys import (
    HostKey,
    Trust,
    decide,
    entries,
    known_name,
    look_up,
    matches,
    parse_key,
    preferred_types,
)
from core.ssh.hosts import Host

KINDS = [("ed25519", 0), ("rsa", 2048), ("rsa", 3072), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521)]


def make(folder: Path, kind: str = "ed25519", bits: int = 0, name: str = "key") -> HostKey:
    size = ["-b", str(bits)] if bits else []
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-f", str(path)], check=True)
    words = path.with_name(name + ".pub").read_text().split()
    key = parse_key(words[0], words[1])
    assert key is not None
    return key


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[HostKey]:
    folder = tmp_path_factory.mktemp("keys")
    return [make(folder, name=f"key{number}") for number in range(4)] + [make(folder, "ecdsa", name="ecdsa")]


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_fingerprint_and_randomart_are_those_of_ssh_keygen(tmp_path: Path, kind: str, bits: int) -> None:
    key = make(tmp_path, kind, bits)
    shown = subprocess.run(["ssh-keygen", "-lvf", str(tmp_path / "key")], capture_output=True, text=True, check=True)
    first, _, picture = shown.stdout.partition("\n")
    assert first.split()[:2] == [str(key.bits), key.fingerprint]
    assert picture == key.randomart + "\n"


def test_many_pictures_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    made = [make(tmp_path, name=f"key{number}") for number in range(20)]
    for number, key in enumerate(made):
        words = ["ssh-keygen", "-lvf", str(tmp_path / f"key{number}")]
        shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        assert shown.partition("\n")[2] == key.randomart + "\n"


@given(st.binary(min_size=32, max_size=32))
def test_every_key_has_a_picture_of_eleven_lines(point: bytes) -> None:
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + point
    lines = HostKey("ssh-ed25519", blob).randomart.splitlines()
    assert [len(line) for line in lines] == [19] * 11
    assert "".join(lines[1:-1]).count("E") == 1


@given(st.text())
def test_any_text_is_a_known_hosts_file(text: str) -> None:
    assert list(entries(text)) == []


def openssh_finds(file: Path, name: str) -> set[int]:
    """Line numbers that `ssh-keygen -F` finds."""
    done = subprocess.run(["ssh-keygen", "-F", name, "-f", str(file)], capture_output=True, text=True)
    return {int(line.split("line ")[1].split()[0]) for line in done.stdout.splitlines() if line.startswith("# Host")}


HOSTS = [
    "vm",
    "vm,192.0.2.7",
    "[vm]:2222",
    "[192.0.2.7]:2222,vm",
    "*.example",
    "*.example,!bad.example",
    "!bad.example,*.example",
    "v?",
    "VM",
    "[*]:2222",
    "2001:db8::1",
    "[2001:db8::1]:2222",
    "*",
    "[!v]m",
]
NAMES = ["vm", "192.0.2.7", "[vm]:2222", "[192.0.2.7]:2222", "good.example", "bad.example", "vmx", "2001:db8::1"]


def test_lines_are_found_as_ssh_keygen_finds_them(tmp_path: Path, keys: list[HostKey]) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("".join(f"{hosts} {keys[0].line} comment\n" for hosts in HOSTS))
    for name in NAMES:
        ours = {number for number, hosts in enumerate(HOSTS, 1) if matches(hosts, name)}
        assert ours == openssh_finds(file, name), name


def test_hashed_lines_are_found(tmp_path: Path, keys: list[HostKey]) -> None:
    file = tmp_path / "known_hosts"
    plain = ["vm", "[vm]:2222", "2001:db8::1"]
    file.write_text("".join(f"{hosts} {keys[0].line}\n" for hosts in plain))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    found = list(entries(file.read_text()))
    assert all(entry.hosts.startswith("|1|") for entry in found) and len(found) == 3
    for name in [*plain, "VM", "other", "[vm]:22"]:
        hits = [number for number, entry in enumerate(found) if matches(entry.hosts, name)]
        assert hits == [number for number, hosts in enumerate(plain) if hosts == name.lower()]


def host(hostname: str = "vm", port: int = 22, known_as: str = "") -> Host:
    return Host(alias=hostname, hostname=hostname, port=port, user="me", known_as=known_as)


def known(text: str, at: Host) -> Trust:
    return Trust(known=look_up(at, list(entries(text, "/k/known_hosts"))))


def test_the_name_that_is_looked_up() -> None:
    assert known_name(host()) == "vm"
    assert known_name(host(port=2222)) == "[vm]:2222"
    assert known_name(host("2001:db8::1", 2222)) == "[2001:db8::1]:2222"
    assert known_name(host(port=2222, known_as="ward")) == "ward"


def test_one_of_several_known_keys_is_enough(keys: list[HostKey]) -> None:
    trust = known(f"vm {keys[0].line}\nvm {keys[1].line}\n", host())
    assert decide(host(), keys[0], trust) == decide(host(), keys[1], trust) == "known_hosts"
    with pytest.raises(HostKeyChanged):
        decide(host(), keys[2], trust)


def test_a_line_without_the_port_may_accept_but_not_accuse(keys: list[HostKey]) -> None:
    at = host(port=2222)
    trust = known(f"vm {keys[0].line}\n", at)
    assert decide(at, keys[0], trust) == "known_hosts"
    with pytest.raises(HostKeyUnknown):
        decide(at, keys[1], trust)


def test_a_known_key_of_another_type_is_no_change(keys: list[HostKey]) -> None:
    trust = known(f"vm {keys[4].line}\n", host())
    with pytest.raises(HostKeyUnknown) as unknown:
        decide(host(), keys[0], trust)
    assert "ecdsa-sha2-nistp256" in unknown.value.hint
    assert preferred_types(trust.known, []) == ["ecdsa-sha2-nistp256"]


def test_a_certificate_authority_is_not_a_host_key(keys: list[HostKey]) -> None:
    with pytest.raises(HostKeyUnknown) as unknown:
        decide(host(), keys[0], known(f"@cert-authority * {keys[0].line}\n", host()))
    assert "certificate authority of /k/known_hosts:1" in unknown.value.hint


@pytest.mark.parametrize("line", ["@revoked * {0}", "vm {0}\n@revoked vm {0}", "@revoked vm {0}\nvm {0}"])
def test_a_revoked_key_is_refused_whatever_else_is_said(keys: list[HostKey], line: str) -> None:
    trust = known(line.format(keys[0].line) + "\n", host())
    said = Trust((keys[0].pinned,), "s", trust.known, keys[0].fingerprint, {keys[0].fingerprint})
    for each in (trust, said):
        with pytest.raises(HostKeyChanged, match="revoked"):
            decide(host(), keys[0], each)
    with pytest.raises((HostKeyUnknown, HostKeyChanged)) as other:
        decide(host(), keys[1], trust)
    assert "revoked" not in other.value.title


def test_a_pin_outweighs_known_hosts_and_a_yes(keys: list[HostKey]) -> None:
    seen = look_up(host(), list(entries(f"vm {keys[1].line}\n")))
    trust = Trust((keys[0].pinned,), "/sites/a.toml", seen, None, {keys[1].fingerprint})
    assert decide(host(), keys[0], trust) == "site file"
    with pytest.raises(HostKeyChanged) as changed:
        decide(host(), keys[1], trust)
    facts = changed.value.facts
    assert (facts["seen"], facts["pinned"]) == (keys[1].fingerprint, keys[0].fingerprint)
    assert facts["source"] == "/sites/a.toml"


def test_a_changed_key_cannot_be_said_yes_to(keys: list[HostKey]) -> None:
    seen = look_up(host(), list(entries(f"vm {keys[0].line}\n", "/k")))
    trust = Trust(known=seen, accepted={keys[1].fingerprint}, fingerprint=keys[1].fingerprint)
    with pytest.raises(HostKeyChanged) as changed:
        decide(host(), keys[1], trust)
    assert "ssh-keygen -R 'vm' -f /k" in changed.value.hint


def test_a_given_fingerprint_must_match_even_a_known_key(keys: list[HostKey]) -> None:
    seen = look_up(host(), list(entries(f"vm {keys[0].line}\n")))
    with pytest.raises(HostKeyChanged):
        decide(host(), keys[0], Trust(known=seen, fingerprint=keys[1].fingerprint))
    assert decide(host(), keys[0], Trust(known=seen, fingerprint=keys[0].fingerprint)) == "known_hosts"


@given(st.text(max_size=30), st.text(max_size=80))
def test_rubbish_is_no_key(kind: str, text: str) -> None:
    key = parse_key(kind, text)
    assert key is None or key.type == kind
