"""Evaluators: who gets in, and how."""

from __future__ import annotations

from fnmatch import fnmatchcase

from .model import Config, Seen, Verdict, value
from .rules import Setting, is_one_of, lacks, words, worst

KEY_ONLY_ROOT = {"prohibit-password", "without-password"}  # the second is the first's older name
KBD_KEYS = ("kbdinteractiveauthentication", "challengeresponseauthentication")
OTHER_METHODS = (
    "passwordauthentication",
    "kbdinteractiveauthentication",
    "challengeresponseauthentication",
    "hostbasedauthentication",
    "gssapiauthentication",
    "kerberosauthentication",
)
EVERYBODY = {"*", "*@*"}
OPEN = "the server let us in with no key and no password"


def root_login(seen: Seen, _: None) -> Verdict:
    """`PermitRootLogin` counts for root alone, so what holds in root's own Match blocks is looked at."""
    setting = value(seen.root_config(), "permitrootlogin")
    evidence = f"permitrootlogin {setting} (for root, from our address)"
    if seen.section("sshd").get("uid", 0) != 0:
        return Verdict("pass", f"this sshd is not run by root, so it logs in its own account only; {evidence}")
    if setting == "no":
        return Verdict("pass", evidence)
    if setting in KEY_ONLY_ROOT:
        return Verdict("warn", f"{evidence}: root can log in with a key", "medium")
    if setting == "forced-commands-only":
        return Verdict("warn", f"{evidence}: root can log in with a key that is bound to a command", "low")
    return Verdict("fail", evidence)


def empty_passwords(seen: Seen, _: None) -> Verdict:
    if open_to_anybody(seen):
        return Verdict("fail", OPEN)
    allowed = value(seen.config(), "permitemptypasswords") == "yes"
    allowed = allowed or value(seen.root_config(), "permitemptypasswords") == "yes"
    setting = f"permitemptypasswords {'yes' if allowed else 'no'}"
    accounts = seen.host.get("empty_passwords")
    if accounts is None:
        return Verdict("fail" if allowed else "pass", f"{setting}; /etc/shadow is not readable to us")
    named = f"accounts without a password: {', '.join(accounts) or 'none'}"
    if allowed:
        return Verdict("fail", f"{setting}; {named}")
    return Verdict("warn", f"{setting}; {named}", "medium") if accounts else Verdict("pass", f"{setting}; {named}")


def password_auth(seen: Seen, _: None) -> Verdict:
    return _password_door(seen, "password", ("passwordauthentication",))


def kbd_interactive(seen: Seen, _: None) -> Verdict:
    verdict = _password_door(seen, "keyboard-interactive", KBD_KEYS)
    without_pam = seen.has("sshd") and value(seen.config(), "usepam") == "no"
    if verdict.status == "fail" and without_pam:
        return Verdict("warn", f"{verdict.evidence}; usepam no, so it has nothing to ask", "low")
    return verdict


def _password_door(seen: Seen, method: str, keys: tuple[str, ...]) -> Verdict:
    """Closed, or open only behind a key. What is seen on the wire and what is configured must agree."""
    offered = seen.offer().methods if seen.has("wire") else None
    if offered is None:
        return _configured_door(seen, keys)
    if open_to_anybody(seen):
        return Verdict("fail", OPEN)
    evidence = f"offered before login: {', '.join(offered) or 'nothing'}"
    if not seen.has("sshd"):
        return Verdict("fail" if method in offered else "pass", evidence)
    configured = _configured_door(seen, keys)
    if method in offered and configured.status == "pass":
        return Verdict("fail", f"{evidence}, although {configured.evidence}")
    return Verdict(configured.status, f"{configured.evidence}; {evidence}")


def open_to_anybody(seen: Seen) -> bool:
    return seen.has("wire") and "none" in (seen.offer().methods or ())


def _configured_door(seen: Seen, keys: tuple[str, ...]) -> Verdict:
    config = seen.config()
    setting = value(config, *keys)
    evidence = f"{next((key for key in keys if key in config), keys[0])} {setting or 'unset'}"
    if setting == "no":
        return Verdict("pass", evidence)
    if _key_first(config):
        return Verdict("pass", f"{evidence}, only after a key: authenticationmethods {_methods(config)}")
    return Verdict("fail", evidence)


def _methods(config: Config) -> str:
    return " ".join(config.get("authenticationmethods", []))


def _key_first(config: Config) -> bool:
    """Every list of AuthenticationMethods asks for a key besides anything else."""
    lists = [item.split(",") for item in _methods(config).split()]
    return bool(lists) and all("publickey" in item for item in lists)


def max_auth_tries(seen: Seen, most: int) -> Verdict:
    tries = value(seen.config(), "maxauthtries")
    evidence = f"maxauthtries {tries}"
    if not tries.isdigit() or int(tries) > most:
        return Verdict("fail", evidence)
    if int(tries) < 2:
        return Verdict("warn", f"{evidence}: an ssh agent with several keys is locked out", "low")
    return Verdict("pass", evidence)


def pubkey_auth(seen: Seen, _: None) -> Verdict:
    config = seen.config()
    verdicts = [_PUBKEY.judge(config, None), _KEY_TYPES.judge(config, None)]
    offered = seen.offer().methods if seen.has("wire") else None
    if offered is not None and "publickey" not in offered and "none" not in offered:
        verdicts.append(Verdict("fail", f"offered before login: {', '.join(offered) or 'nothing'}"))
    return worst(verdicts)


def user_allow_list(seen: Seen, _: None) -> Verdict:
    config = seen.config()
    users, groups = words(config, "allowusers").split(), words(config, "allowgroups").split()
    if not users and not groups:
        if seen.section("sshd").get("uid", 0):
            return Verdict("pass", "this sshd is not run by root, so it logs in one account only")
        return Verdict("fail", "neither allowusers nor allowgroups is set: every account may try")
    everybody = [f"{key} {' '.join(names)}" for key, names in _named(users, groups) if set(names) & EVERYBODY]
    if len(everybody) == len(_named(users, groups)):
        return Verdict("fail", f"{'; '.join(everybody)}: every account may try")
    account = seen.section("account")
    ours = [*(_lists(users, [account["name"]]) if users else [True])]
    ours += _lists(groups, account["groups"]) if groups else [True]
    evidence = "; ".join(f"{key} {' '.join(names)}" for key, names in _named(users, groups))
    if all(ours):
        return Verdict("pass", evidence)
    return Verdict("warn", f"{evidence}: our account {account['name']} is not in it", "high")


def _named(users: list[str], groups: list[str]) -> list[tuple[str, list[str]]]:
    return [(key, names) for key, names in (("allowusers", users), ("allowgroups", groups)) if names]


def _lists(patterns: list[str], names: list[str]) -> list[bool]:
    """Whether one of the names is meant; of USER@HOST the host has let us in already."""
    return [any(fnmatchcase(name.lower(), pattern.partition("@")[0]) for pattern in patterns for name in names)]


def auth_methods(seen: Seen, _: None) -> Verdict:
    config = seen.config()
    evidence = f"authenticationmethods {_methods(config) or 'unset'}"
    if _key_first(config):
        return Verdict("pass", evidence)
    others = [key for key in OTHER_METHODS if value(config, key) == "yes"]
    if not others and value(config, "pubkeyauthentication") == "yes":
        return Verdict("pass", f"{evidence}; nothing but keys is switched on")
    return Verdict("fail", f"{evidence}; {', '.join(f'{key} yes' for key in others)}")


def use_pam(seen: Seen, _: None) -> Verdict:
    setting = value(seen.config(), "usepam")
    if seen.section("sshd").get("uid", 0):
        return Verdict("pass", f"this sshd is not run by root, so PAM is not open to it; usepam {setting or 'unset'}")
    return Verdict("pass" if setting == "yes" else "fail", f"usepam {setting or 'unset'}")


_PUBKEY = Setting("pubkeyauthentication", is_one_of("yes"))
_KEY_TYPES = Setting(
    "pubkeyacceptedalgorithms",
    lacks("ssh-rsa", "ssh-dss", "ssh-rsa-cert-*", "ssh-dss-cert-*"),
    ("pubkeyacceptedkeytypes",),
)
