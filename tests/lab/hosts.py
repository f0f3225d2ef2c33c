"""Hosts for the table of checks, as data: settings of sshd, and files of a host below a folder of the test."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

WEAK_SETTINGS = (
    "PermitRootLogin yes",
    "PermitEmptyPasswords yes",
    "PasswordAuthentication yes",
    "KbdInteractiveAuthentication yes",
    "UsePAM yes",
    "StrictModes no",
    "RequiredRSASize 1024",
    "PubkeyAcceptedAlgorithms +ssh-rsa",
    "MaxAuthTries 9",
    "LoginGraceTime 0",
    "MaxStartups 10:30:100",
    "MaxSessions 40",
    "ClientAliveInterval 0",
    "AllowAgentForwarding yes",
    "AllowTcpForwarding yes",
    "X11Forwarding yes",
    "PermitUserEnvironment yes",
    "AcceptEnv LD_PRELOAD",
    "HostbasedAuthentication yes",
    "LogLevel INFO",
    "KexAlgorithms "
    "curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha1",
    "Ciphers aes256-ctr,aes256-cbc,3des-cbc",
    "MACs hmac-sha2-256,hmac-md5",
    "HostKeyAlgorithms +ssh-rsa",
)
STRONG_SETTINGS = (
    "PermitEmptyPasswords no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UsePAM yes",
    "StrictModes yes",
    "RequiredRSASize 3072",
    "PubkeyAuthentication yes",
    "AllowUsers root",
    "AuthenticationMethods publickey",
    "MaxAuthTries 4",
    "LoginGraceTime 60",
    "MaxStartups 10:30:60",
    "MaxSessions 10",
    "ClientAliveInterval 60",
    "ClientAliveCountMax 3",
    "AllowAgentForwarding no",
    "AllowTcpForwarding local",
    "PermitOpen 127.0.0.1:5000",
    "AllowStreamLocalForwarding local",
    "X11Forwarding no",
    "PermitUserEnvironment no",
    "PermitUserRC no",
    "LogLevel VERBOSE",
    "SyslogFacility AUTH",
    "Subsystem sftp internal-sftp -l INFO",
    "KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,diffie-hellman-group-exchange-sha256",
    "Ciphers aes256-gcm@openssh.com,aes256-ctr",
    "MACs hmac-sha2-512-etm@openssh.com",
    "HostKeyAlgorithms ssh-ed25519,rsa-sha2-512",
    "PerSourceMaxStartups 10",
    "DebianBanner no",
)

Tree = Mapping[str, str]
NOBLE = 'ID=ubuntu\nVERSION_CODENAME=noble\nPRETTY_NAME="Ubuntu 24.04.3 LTS"\n'
BOOKWORM = 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'


def dpkg(maintainer: str, **versions: str) -> str:
    """The text of dpkg's status file; "_" in a name stands for "-"."""
    return "".join(
        f"Package: {name.replace('_', '-')}\nStatus: install ok installed\nMaintainer: {maintainer}\n"
        f"Version: {version}\n\n"
        for name, version in versions.items()
    )


UBUNTU = "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>"
DEBIAN = "Debian OpenSSH Maintainers <debian-ssh@lists.debian.org>"
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def listening(*sockets: str) -> str:
    """The text of /proc/net/tcp for ADDRESS:PORT, of IPv4."""
    rows = [socket_.rpartition(":") for socket_ in sockets]
    packed = [struct.unpack("=I", socket.inet_aton(host))[0] for host, _, _ in rows]
    lines = [
        f"   0: {word:08X}:{int(port):04X} 00000000:0000 0A 0 0 0 0 0 {number}\n"
        for number, (word, (_, _, port)) in enumerate(zip(packed, rows, strict=True), start=1)
    ]
    return HEADER + "".join(lines)


COMMON: Tree = {
    "/proc/net/fib_trie": "Main:\n     |-- 10.0.0.5\n        /32 host LOCAL\n",
    "/usr/bin/ssh": "",
    "/etc/apt/apt.conf.d/10periodic": 'APT::Periodic::Update-Package-Lists "1";\n',
}
QUALITY = "minlen = 15\nminclass = 4\nmaxrepeat = 3\nmaxsequence = 3\ndifok = 2\nenforce_for_root\n"
WEAK_HOST: Tree = {
    **COMMON,
    "/proc/net/fib_trie": "Main:\n     |-- 9.9.9.9\n        /32 host LOCAL\n",
    "/etc/login.defs": "# ENCRYPT_METHOD SHA512\nENCRYPT_METHOD MD5\n",
    "/etc/shadow": "root:$1$salt$hash:1::::::\ngames::1::::::\n",
    "/etc/pam.d/sshd": "@include common-auth\naccount required pam_unix.so\n",
    "/etc/pam.d/common-auth": "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n",
    "/etc/pam.d/passwd": "@include common-password\n",
    "/etc/pam.d/common-password": "password [success=1 default=ignore] pam_unix.so obscure\n",
    "/etc/security/faillock.conf": "deny = 3\nunlock_time = 900\n",
    "/etc/security/pwquality.conf": QUALITY,
    "/etc/os-release": BOOKWORM,
    "/proc/sys/kernel/osrelease": "6.1.0-40-amd64\n",
    "/var/lib/dpkg/status": dpkg(
        DEBIAN,
        openssh_server="1:9.2p1-2+deb12u2",
        openssh_client="1:9.2p1-2",
        liblzma5="5.6.1-1",
        linux_image_6="x",
    )
    .replace("linux-image-6\n", "linux-image-6.1.0-40-amd64\n")
    .replace("Version: x", "Version: 6.1.170-3"),
    "/etc/apt/apt.conf.d/20auto-upgrades": 'APT::Periodic::Unattended-Upgrade "0";\n',
    "/var/run/reboot-required": "",
}
STRONG_HOST: Tree = {
    **COMMON,
    "/etc/login.defs": "ENCRYPT_METHOD YESCRYPT\n",
    "/etc/shadow": "root:$y$j9T$salt$hash:1::::::\ngames:*:1::::::\n",
    "/etc/pam.d/sshd": "@include common-auth\n@include common-account\n",
    "/etc/pam.d/common-auth": (
        "auth required pam_faillock.so preauth\nauth [success=1 default=ignore] pam_unix.so\n"
        "auth [default=die] pam_faillock.so authfail\n"
    ),
    "/etc/pam.d/common-account": "account required pam_faillock.so\naccount required pam_unix.so\n",
    "/etc/pam.d/passwd": "password substack common-password\n",
    "/etc/pam.d/common-password": (
        "password requisite pam_pwquality.so retry=3\npassword [success=1 default=ignore] \\\n"
        "  pam_unix.so obscure use_authtok yescrypt\n"
    ),
    "/etc/security/faillock.conf": "deny = 5\nunlock_time = 900\n",
    "/etc/security/pwquality.conf.d/50-site.conf": QUALITY,
    "/etc/security/pwquality.conf": "# minlen = 8\n",
    "/etc/os-release": NOBLE,
    "/proc/sys/kernel/osrelease": "6.8.0-139-generic\n",
    "/var/lib/dpkg/status": dpkg(
        UBUNTU,
        openssh_server="1:9.6p1-3ubuntu13.19",
        openssh_client="1:9.6p1-3ubuntu13.19",
        liblzma5="5.6.1+really5.4.5-1ubuntu0.2",
    ),
    "/etc/apt/apt.conf.d/20auto-upgrades": 'APT::Periodic::Unattended-Upgrade "1";\n',
    "/usr/bin/unattended-upgrade": "",
    "/run/systemd/timesync/synchronized": "",
    "/etc/fail2ban/jail.d/defaults-debian.conf": "[sshd]\nenabled = true\n",
}
FIXED_KERNEL: Tree = {
    **STRONG_HOST,
    "/etc/os-release": BOOKWORM,
    "/proc/sys/kernel/osrelease": "6.1.0-51-amd64\n",
    "/var/lib/dpkg/status": dpkg(DEBIAN, linux="6.1.172-1").replace("linux\n", "linux-image-6.1.0-51-amd64\n"),
}
# No system that the table has; no apt; login.defs is there for root alone (see test_check_table).
UNKNOWN_HOST: Tree = {
    "/etc/os-release": 'ID="rhel"\nPRETTY_NAME="Red Hat Enterprise Linux 9"\n',
    "/proc/sys/kernel/osrelease": "5.14.0-503.el9\n",
    "/etc/login.defs": "ENCRYPT_METHOD SHA512\n",
    "/usr/bin/ssh": "",
}
MODULI = "20220714110357 2 6 100 {bits} 2 E98F2A\n"


def planted(folder: Path, tree: Tree) -> str:
    """The files of the tree below the folder; the prefix for the agent."""
    for path, text in tree.items():
        file = folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for place in (folder, *folder.rglob("*")):
        place.chmod(0o755 if place.is_dir() else 0o644)
    return str(folder)


class OldServer:
    """Says its banner and its offer (RFC 4253, 7.1) to whoever connects, and nothing else. On loopback."""

    def __init__(self, banner: str, offer: Mapping[str, Sequence[str]]) -> None:
        names = ("kex", "keys", "ciphers", "ciphers", "macs", "macs", "compression", "compression")
        lists = [",".join(offer[name]).encode() for name in names] + [b"", b""]
        body = b"\x14" + bytes(16) + b"".join(struct.pack(">I", len(text)) + text for text in lists) + bytes(5)
        padding = 16 - (len(body) + 5) % 8
        self._hello = (
            banner.encode() + b"\r\n" + struct.pack(">IB", len(body) + padding + 1, padding) + body + bytes(padding)
        )
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                client.sendall(self._hello)
                while client.recv(4096):
                    pass

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


OLD_OFFER: Mapping[str, Sequence[str]] = {
    "kex": ("diffie-hellman-group1-sha1",),
    "keys": ("ssh-dss",),
    "ciphers": ("aes128-cbc", "chacha20-poly1305@openssh.com"),
    "macs": ("hmac-md5", "hmac-sha2-256-etm@openssh.com"),
    "compression": ("none", "zlib"),
}
STRANGE_OFFER: Mapping[str, Sequence[str]] = {
    "kex": ("kex-of-the-future",),
    "keys": ("ssh-of-the-future",),
    "ciphers": ("cipher-of-the-future",),
    "macs": ("mac-of-the-future",),
    "compression": ("none",),
}
