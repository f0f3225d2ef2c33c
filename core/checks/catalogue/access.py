"""Who gets in, and how."""

from __future__ import annotations

from .. import access, policy
from ..fix import Fix
from ..model import Check

CHECKS = (
    Check(
        id="root-login",
        number=2,
        title="Root cannot log in",
        severity="critical",
        looks_at="permitrootlogin, as it holds for root from our address",
        needs=("sshd",),
        expected="PermitRootLogin no",
        sources=("CIS 5.1.20", "DS sshd-06", "LY SSH-7408"),
        fix=Fix(
            settings={"PermitRootLogin": "no"},
            by_hand=("first see who still does (backups, say): journalctl -u 'ssh*' -g 'Accepted .* for root'",),
        ),
        evaluate=access.root_login,
        quiet=(
            "without-password is the older name of prohibit-password",
            "a value for another Match",
            "an sshd without root logs in nobody else",
        ),
    ),
    Check(
        id="empty-passwords",
        number=3,
        title="No login without a password",
        severity="critical",
        looks_at="permitemptypasswords; accounts without a password in /etc/shadow, where it can be read",
        needs=("sshd",),
        expected="PermitEmptyPasswords no, and no account with an empty password",
        sources=("CIS 5.1.19", "DS sshd-28", "LY AUTH-9283"),
        fix=Fix(settings={"PermitEmptyPasswords": "no"}, by_hand=("for each account named: passwd -l ACCOUNT",)),
        evaluate=access.empty_passwords,
    ),
    Check(
        id="password-auth",
        number=4,
        title="Passwords are not accepted",
        severity="critical",
        looks_at="the methods offered before login; passwordauthentication, authenticationmethods",
        needs=("wire", "sshd"),
        expected="PasswordAuthentication no, or only after a key; else every check of passwords in order",
        sources=("DS sshd-27", "MZ"),
        fix=Fix(
            settings={"PasswordAuthentication": "no"},
            by_hand=("first see who has no key yet, and is shut out: journalctl -u 'ssh*' -g 'Accepted password'",),
        ),
        evaluate=policy.password_login,
        quiet=("a password that is asked for only after a key",),
    ),
    Check(
        id="kbd-interactive",
        number=5,
        title="Keyboard-interactive is not a second password door",
        severity="high",
        looks_at="the methods offered before login; kbdinteractiveauthentication, usepam, authenticationmethods",
        needs=("wire", "sshd"),
        expected="KbdInteractiveAuthentication no, or only after a key",
        sources=("DS sshd-29",),
        fix=Fix(settings={"KbdInteractiveAuthentication": "no"}),
        evaluate=access.kbd_interactive,
        quiet=("ChallengeResponseAuthentication is its older name", "a second factor after a key"),
    ),
)
