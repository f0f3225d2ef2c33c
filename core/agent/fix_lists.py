"""Lists of algorithms that a fix takes names out of: one that the site has made shorter does not grow by it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Dict, List

from . import fix_server, sshd
from .fix_server import Server, Values

# The same keys, with a better signature: who has only the first one is not shut out.
BETTER = {
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
    "ssh-rsa-cert-v01@openssh.com": ("rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"),
}


def narrow(server: Server, settings: Dict[str, str], wanted: Values) -> None:
    """`-NAMES` takes them out of what sshd has by itself: where the server has less, that is what is left.

    `wanted`: how `sshd -T` shows the settings. Both are changed in place.
    """
    less = [keyword for keyword, value in settings.items() if value.startswith("-")]
    if not less:
        return
    try:
        holds = fix_server.effective(server, server.match["user"])
    except sshd.Unreadable:
        return  # whoever asks next says why
    for keyword in less:
        ours = _names(wanted[keyword])
        left = _among(ours, _names(holds.get(fix_server.key(keyword), [])))
        if left and left != ours:
            settings[keyword] = ",".join(left)
            wanted[keyword] = [settings[keyword]]


def _names(lines: List[str]) -> List[str]:
    return [name for line in lines for name in line.split(",") if name]


def _among(ours: List[str], there: List[str]) -> List[str]:
    patterns = [*there, *(name for pattern in there for name in BETTER.get(pattern, ()))]
    return [name for name in ours if any(fnmatchcase(name, pattern) for pattern in patterns)]
