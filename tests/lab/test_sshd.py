"""The helper itself: OpenSSH's own client can use the server that it starts."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .sshd import SshAgent, Sshd


def _ssh(server: Sshd, *words: str, known: str | None = None) -> subprocess.CompletedProcess[str]:
    hosts = server.folder / "known_hosts"
    hosts.write_text((known or server.host_key_line) + "\n")
    options = [f"UserKnownHostsFile={hosts}", "GlobalKnownHostsFile=/dev/null", "BatchMode=yes", "IdentitiesOnly=yes"]
    flags = [flag for option in options for flag in ("-o", option)]
    target = ["-p", str(server.port), "-i", str(server.client_key), f"{server.user}@{server.host}"]
    command = ["ssh", "-F", "none", *flags, *target, *words]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)


def test_openssh_logs_in_with_the_key_and_sees_the_private_home(sshd: Sshd) -> None:
    done = _ssh(sshd, "echo $HOME")
    assert (done.returncode, done.stdout.strip()) == (0, str(sshd.home)), done.stderr


def test_stop_leaves_no_process_and_start_takes_the_same_port(sshd: Sshd) -> None:
    port = sshd.port
    sshd.stop()
    sshd.stop()
    assert sshd.sessions() == []
    assert _ssh(sshd, "true").returncode == 255
    sshd.start()
    assert sshd.port == port
    assert _ssh(sshd, "true").returncode == 0


def test_an_agent_serves_its_keys(home: Path, sshd: Sshd) -> None:
    agent = SshAgent(home, sshd.client_key)
    try:
        listed = subprocess.run(["ssh-add", "-l"], env={"SSH_AUTH_SOCK": str(agent.socket)}, capture_output=True)
        assert b"SHA256:" in listed.stdout
    finally:
        agent.stop()
