"""What a fix may do to accounts other than ours, in words: the new login proves ours alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MOST = 10  # names
PASSWORDS = ("a password, and no key here", "none of this VM's other accounts has a password and no key")
WHY: Mapping[str, tuple[str, str]] = {  # why somebody is named; what is said where nobody is
    "passwordauthentication": PASSWORDS,
    "kbdinteractiveauthentication": PASSWORDS,
    "authenticationmethods": PASSWORDS,
    "permitrootlogin": ("it has a password or keys", "root has neither a password nor keys here"),
    "requiredrsasize": ("shorter RSA keys", "none of this VM's other accounts has a shorter RSA key"),
}


def shut_out(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(keyword, the sentence) of each setting that can shut others out."""
    elsewhere = "; those of a directory (LDAP, SSSD) were not looked at" if answer["directory"] else ""
    for keyword, names in answer["others"].items():
        if keyword.lower() not in WHY:
            continue  # the VM's own idea
        why, nobody = WHY[keyword.lower()]
        if names is None:
            yield keyword, "it may shut out others: no account but ours was looked at"
        elif names:
            more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
            yield keyword, f"it may shut out {', '.join(names[:MOST])}{more} ({why}){elsewhere}"
        else:
            yield keyword, f"{nobody}{elsewhere}"
