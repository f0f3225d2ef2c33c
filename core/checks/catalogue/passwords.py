"""Passwords: how they are kept, what they must be, who guesses them."""

from __future__ import annotations

from .. import password, policy
from ..fix import Fix
from ..model import Check

NO_DOOR = "where no password opens SSH, a weak policy is a low warning"
PWQUALITY = "/etc/security/pwquality.conf.d/50-trainshed.conf"
FAILLOCK = "/etc/security/faillock.conf"
MODULE = "where pam_pwquality is not in the stack: apt install libpam-pwquality (the file alone does nothing)"

CHECKS = (
    Check(
        id="pw-hash",
        number=6,
        title="Passwords are kept with a slow hash",
        severity="high",
        looks_at="ENCRYPT_METHOD in login.defs, the options of pam_unix; as root our account's hash in /etc/shadow",
        needs=("passwords",),
        expected="{value}",
        sources=("CIS 5.4.1.4", "CIS 5.3.3.4.3"),
        fix=Fix(
            by_hand=("ENCRYPT_METHOD YESCRYPT in /etc/login.defs; then each account sets its password anew: passwd",)
        ),
        evaluate=policy.pw_hash,
        quiet=("pam_unix says what is used, whatever login.defs says", NO_DOOR),
        value=("yescrypt", "gost_yescrypt", "sha512"),
    ),
    Check(
        id="pw-quality-module",
        number=7,
        title="New passwords are judged",
        severity="high",
        looks_at="the stack that PAM uses for passwd; pwquality.conf",
        needs=("passwords",),
        expected="pam_pwquality in it, enforcing = 1, enforce_for_root",
        sources=("CIS 5.3.2.3", "CIS 5.3.3.2.7", "CIS 5.3.3.2.8", "LY AUTH-9262"),
        fix=Fix(
            files={PWQUALITY: ("enforcing = 1", "enforce_for_root")},
            by_hand=("apt install libpam-pwquality; pam-auth-update --enable pwquality",),
        ),
        evaluate=policy.pw_quality_module,
        quiet=(NO_DOOR,),
    ),
    Check(
        id="pw-length",
        number=8,
        title="New passwords are long",
        severity="high",
        looks_at="minlen and credits in pwquality.conf, pwquality.conf.d and the options of pam_pwquality",
        needs=("passwords",),
        expected="minlen {value} or more",
        sources=("CIS 5.3.3.2.2",),
        fix=Fix(files={PWQUALITY: ("minlen = {value}",)}, by_hand=(MODULE,)),
        evaluate=policy.pw_length,
        quiet=(NO_DOOR,),
        value=14,
    ),
    Check(
        id="pw-complexity",
        number=9,
        title="New passwords are not simple",
        severity="medium",
        looks_at="minclass, credits, dictcheck, maxrepeat, maxsequence, difok of pwquality",
        needs=("passwords",),
        expected="minclass 4 (or each credit -1), dictcheck 1, maxrepeat 1 to 3, maxsequence 1 to 3, difok 2",
        sources=("CIS 5.3.3.2.1", "CIS 5.3.3.2.3", "CIS 5.3.3.2.6"),
        fix=Fix(
            files={PWQUALITY: ("minclass = 4", "maxrepeat = 3", "maxsequence = 3", "difok = 2")}, by_hand=(MODULE,)
        ),
        evaluate=policy.pw_complexity,
        quiet=(NO_DOOR,),
    ),
    Check(
        id="pw-this-account",
        number=10,
        title="The password that we log in with is strong",
        severity="high",
        looks_at="the password that was typed here; it is judged here, and goes nowhere",
        needs=("password",),
        expected="{value} characters or more, and nothing that is guessed soon (zxcvbn 4 of 4)",
        sources=("the pattern asks for a strong password",),
        fix=Fix(
            by_hand=("move to a key: ssh-keygen -t ed25519; ssh-copy-id ACCOUNT@HOST; or a long password: passwd",)
        ),
        evaluate=password.this_account,
        quiet=("a login with a key",),
        value=14,
    ),
    Check(
        id="faillock",
        number=11,
        title="An account is locked after wrong passwords",
        severity="high",
        looks_at="faillock.conf, and pam_faillock in the stacks that PAM uses for sshd",
        needs=("passwords",),
        expected="deny {value} or fewer, unlock_time 900 or more (or 0), in auth (preauth, authfail) and account",
        sources=("CIS 5.3.2.2", "CIS 5.3.3.1.1", "CIS 5.3.3.1.2"),
        fix=Fix(
            files={FAILLOCK: ("deny = {value}", "unlock_time = 900")},
            by_hand=(
                "write /usr/share/pam-configs/faillock and faillock_notify, as CIS 5.3.2.2 has them",
                "pam-auth-update --enable faillock faillock_notify (the file alone does nothing)",
            ),
        ),
        evaluate=policy.faillock,
        quiet=("the file without the module in the stack is no lock", NO_DOOR),
        value=5,
    ),
    Check(
        id="bruteforce-guard",
        number=12,
        title="Somebody slows guessing down",
        severity="high",
        looks_at="persourcepenalties; fail2ban with its jails, sshguard; as root the rules of nft",
        needs=("sshd", "guards"),
        expected="PerSourcePenalties (9.8 and later), fail2ban with a jail for sshd, sshguard, or a rate limit of nft",
        sources=("OB 9.8", "SA"),
        fix=Fix(
            by_hand=(
                "apt install fail2ban; [sshd] enabled = true in /etc/fail2ban/jail.local",
                "set ignoreip (or PerSourcePenaltyExemptList) to the operators' net",
            )
        ),
        evaluate=policy.bruteforce_guard,
        quiet=(
            "a rule of nft that only limits what is logged is no limit",
            "a limit for another port, or for all but it",
        ),
    ),
)
