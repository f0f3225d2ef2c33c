"""Known holes, by the versions of the distribution's packages; never by the banner."""

from __future__ import annotations

from .. import cves
from ..fix import Fix
from ..model import Check

BACKPORTED = "fixes that the distribution has backported to an older version"
UPGRADE = Fix(by_hand=("apt update && apt install --only-upgrade openssh-server openssh-client",))

CHECKS = (
    Check(
        id="regresshion",
        number=14,
        title="regreSSHion is fixed",
        severity="critical",
        looks_at="the version of openssh-server",
        needs=("packages",),
        expected="the distribution's fixed version",
        sources=("CVE-2024-6387",),
        fix=Fix(
            by_hand=(*UPGRADE.by_hand, "until then LoginGraceTime 0, which makes it easier to keep the server busy")
        ),
        evaluate=cves.fixed("regresshion"),
        quiet=(BACKPORTED,),
    ),
    Check(
        id="openssh-2025",
        number=15,
        title="OpenSSH's holes of 2025 are fixed",
        severity="high",
        looks_at="the versions of openssh-server and openssh-client",
        needs=("packages",),
        expected="the distribution's fixed versions",
        sources=("CVE-2025-26465", "CVE-2025-26466", "CVE-2025-32728", "CVE-2025-61984", "CVE-2025-61985"),
        fix=UPGRADE,
        evaluate=cves.fixed("openssh-2025"),
        quiet=(BACKPORTED,),
    ),
    Check(
        id="openssh-2026",
        number=16,
        title="OpenSSH's holes of 2026 are fixed",
        severity="high",
        looks_at="the versions of openssh-server and openssh-client",
        needs=("packages",),
        expected="the distribution's fixed versions",
        sources=("CVE-2026-3497", "CVE-2026-35414", "CVE-2026-35385 to 35388", "CVE-2026-73281 to 73283"),
        fix=Fix(settings={"GSSAPIKeyExchange": "no"}, by_hand=UPGRADE.by_hand),
        evaluate=cves.fixed("openssh-2026"),
        quiet=(BACKPORTED,),
    ),
    Check(
        id="host-key-leak-kernel",
        number=17,
        title="The kernel does not show host keys to others",
        severity="high",
        looks_at="the package of the running kernel; when the host keys were made",
        needs=("packages", "host_keys"),
        expected="the distribution's fixed kernel runs, and the host keys were made after it was known",
        sources=("CVE-2026-46333",),
        fix=Fix(
            by_hand=(
                "apt upgrade, reboot",
                "then new host keys: rm /etc/ssh/ssh_host_*_key* && ssh-keygen -A; reload sshd",
                "then pin them: trainshed connect",
            )
        ),
        evaluate=cves.kernel,
        quiet=(BACKPORTED,),
    ),
    Check(
        id="xz-backdoor",
        number=18,
        title="The xz library has no back door",
        severity="critical",
        looks_at="the version of liblzma",
        needs=("packages",),
        expected="not 5.6.0 or 5.6.1",
        sources=("CVE-2024-3094",),
        fix=Fix(by_hand=("install the machine anew: it may have been entered",)),
        evaluate=cves.xz,
        quiet=("5.6.1+really5.4.5, Debian's way back",),
    ),
    Check(
        id="agent-cve",
        number=19,
        title="The OpenSSH of this computer is fixed",
        severity="medium",
        looks_at="the version of openssh-client here, on the client",
        needs=("client",),
        expected="the distribution's fixed version, or no OpenSSH at all (trainshed does not need it)",
        sources=("CVE-2023-38408", "CVE-2023-51385", "CVE-2025-61984", "CVE-2025-61985", "CVE-2026-35386"),
        fix=Fix(by_hand=("here, on this computer: apt install --only-upgrade openssh-client",)),
        evaluate=cves.on_the_client("agent-cve"),
        quiet=(BACKPORTED,),
    ),
)
