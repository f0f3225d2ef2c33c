"""Files: who may read and change them, and what keys are in them."""

from __future__ import annotations

from .. import files
from ..fix import Fix
from ..model import Check

CHECKS = (
    Check(
        id="rsa-hostkey-size",
        number=25,
        title="The RSA host key is long enough",
        severity="medium",
        looks_at="the public halves of this server's host keys, on the host",
        needs=("host_keys",),
        expected="{value} bits or more",
        sources=("SA", "DS sshd-50"),
        fix=Fix(by_hand=("ssh-keygen -t rsa -b 4096 -N '' -f FILE; reload sshd; pin the new key: trainshed connect",)),
        evaluate=files.rsa_host_key_size,
        quiet=("a server without an RSA key",),
        value=3072,
    ),
    Check(
        id="sshd-config-perm",
        number=33,
        title="Only root reads and changes the configuration of sshd",
        severity="medium",
        looks_at="mode and owner of sshd_config, of every file that it includes, and of the folders that they are in",
        needs=("config_files",),
        expected="0600 and root's; folders that nobody else writes to",
        sources=("CIS 5.1.1", "DS sshd-05"),
        fix=Fix(
            modes={"sshd_config": 0o600},
            by_hand=(
                "where a folder is named: chown root: FOLDER; chmod go-w FOLDER",
                "from then on a check has to read them as root: sudo without a password, or check --sudo",
            ),
        ),
        evaluate=files.config_permissions,
        quiet=(
            "files that others may only read are a warning: they hold no secret, and hidden they need sudo to check",
        ),
    ),
    Check(
        id="hostkey-perm",
        number=34,
        title="Private host keys are private",
        severity="high",
        looks_at="mode, owner and group of each private host key of this server",
        needs=("sshd", "host_keys"),
        expected="0600 and root's, or 0640 with the group ssh_keys",
        sources=("CIS 5.1.2", "CIS 5.1.3"),
        fix=Fix(modes={"host_keys": 0o600}, by_hand=("where another owns it: chown root:root FILE",)),
        evaluate=files.host_key_permissions,
        quiet=("0640 with the group ssh_keys (Red Hat)",),
    ),
    Check(
        id="ssh-dir-perm",
        number=35,
        title="Only the account can change its authorised keys",
        severity="high",
        looks_at="mode and owner of the home folder, .ssh, the files of AuthorizedKeysFile and the folders above them",
        needs=("ssh_dir",),
        expected="~/.ssh 0700, authorized_keys 0600, nothing on the way to them writable by others",
        sources=("DS sshd-04", "sshd_config(5) StrictModes"),
        fix=Fix(modes={"home": 0o755, "ssh": 0o700, "keys": 0o600}),
        evaluate=files.ssh_dir_permissions,
        quiet=("files of root that others may read",),
    ),
    Check(
        id="authorized-keys-content",
        number=37,
        title="Every authorised key is known and strong",
        severity="high",
        looks_at="type, size, options and fingerprint of each key in the files of AuthorizedKeysFile; "
        "authorizedkeyscommand, trustedusercakeys",
        needs=("authorized_keys",),
        expected="no DSA, no RSA below 3072 bits, no principals= with commas, none twice; the known ones: {value}",
        sources=("ours", "CVE-2026-35414"),
        fix=Fix(by_hand=("take the lines named out of the file; give each key from= and restrict where it can be",)),
        evaluate=files.authorized_keys,
        quiet=("where the site names no keys, none counts as unknown",),
        value=(),
    ),
)
