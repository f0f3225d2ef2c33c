"""Entering a server: keys first, then the password if it takes one.

Blocks, so it runs in a thread. Imports paramiko, so it is imported by functions only.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import AuthFailed, ConnectTimeout, LinkLost, PasswordNeeded
from ..site.secrets import Secret
from .answers import Answers
from .dial import place
from .hosts import Host
from .keys import Keys
from .transport import Transport

KEYS_TRIED = 4  # sshd ends the connection after MaxAuthTries, 6 by default and often 3 or 4


def login(transport: Transport, host: Host, answers: Answers) -> str:
    """Keys first, then the password if there is one; returns what let us in: "key", "none" or "password".

    Raises AuthFailed, PassphraseNeeded, PasswordNeeded, LinkLost, ConnectTimeout, ConfigError.
    """
    keys = Keys(host, answers.passphrase)
    tried: list[str] = []
    try:
        if _try_keys(transport, host, keys, tried):
            return "key"
        if not transport.offered and transport.attempt("none", host.user) == "ok":
            return "none"
        if keys.locked and "publickey" in transport.offered and answers.password is None:
            raise keys.locked[0]
        if _try_password(transport, host, answers.password, tried):
            return "password"
    except EOFError:
        raise _cut_off(transport, host, tried) from None
    except TimeoutError:
        raise ConnectTimeout(f"{place(host)} does not answer the login", hint="try again") from None
    finally:
        keys.close()
    raise _refused(transport, host, tried)


def login_jump(transport: Transport, host: Host, answers: Answers) -> None:
    """The password is the last server's; a jump host is entered by key."""
    try:
        login(transport, host, replace(answers, password=None))
    except PasswordNeeded:
        raise _refused(transport, host, ["keys; a password is not sent to a jump host"]) from None


def _try_keys(transport: Transport, host: Host, keys: Keys, tried: list[str]) -> bool:
    for candidate in keys.candidates():
        if len(tried) >= KEYS_TRIED:
            break
        try:
            result = transport.attempt("publickey", host.user, candidate.key)
        except (EOFError, TimeoutError):
            tried.append(candidate.label)
            raise
        if result == "ok":
            transport.login_key = candidate.key.get_name(), int(candidate.key.get_bits())
            return True
        tried.append(candidate.label)
        if "publickey" not in transport.offered:
            break
    return False


def _try_password(transport: Transport, host: Host, password: Secret | None, tried: list[str]) -> bool:
    """Asked for only where the server takes one; keyboard-interactive with one hidden question is the same."""
    if not {"password", "keyboard-interactive"} & set(transport.offered):
        return False
    if password is None:
        raise PasswordNeeded(
            f"{host.hostname} asks for the password of {host.user}",
            hint="a key is safer: ssh-copy-id puts yours there",
            user=host.user,
            host=host.hostname,
        )
    tried.append("password")
    if "password" in transport.offered:
        return transport.attempt("password", host.user, password.reveal()) == "ok"

    def answer(_title: str, _text: str, fields: list[tuple[str, bool]]) -> list[str]:
        return [password.reveal() if not shown else "" for _, shown in fields]

    return transport.attempt("interactive", host.user, answer) == "ok"


def _refused(transport: Transport, host: Host, tried: list[str]) -> AuthFailed:
    offered = ", ".join(transport.offered) or "nothing"
    what = ", ".join(tried) or "no key was found"
    return AuthFailed(
        f"{host.user} is refused by {host.hostname} (tried: {what}; it takes: {offered})",
        hint=f"is the public key in authorized_keys of {host.user}? try: {host.command}",
        user=host.user,
        host=host.hostname,
        allowed=list(transport.offered),
        tried=tried,
    )


def _cut_off(transport: Transport, host: Host, tried: list[str]) -> AuthFailed | LinkLost:
    """A server that has enough says so; a link that is cut does not."""
    if not transport.dismissed:
        return LinkLost(f"the connection to {host.hostname} ended during the login", hint="try again")
    return AuthFailed(
        f"{host.hostname} ended the connection during the login (tried: {', '.join(tried) or 'nothing'})",
        hint="too many keys for its MaxAuthTries? name the right one: identity in the site file, or IdentityFile with"
        " IdentitiesOnly in ~/.ssh/config",
        user=host.user,
        host=host.hostname,
        allowed=list(transport.offered),
        tried=tried,
    )
