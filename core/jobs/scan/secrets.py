"""Credentials in text: what has the form of one, and texts of much entropy that are given to a telling name."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator

from .found import Found, listed

AROUND = 400  # characters around a telling name that are looked at: a line may have no end
LONGEST_VALUE = 512
_PUBLIC = ("Eby8vdM02xNOcqFlqUwJ", "EXAMPLE")  # Azurite's own key, and those of documentation
_PLACEHOLDER = re.compile(
    r"[<${%\[(*].*|.*(?:\$\{|\{\{|%\(|\.\.\.|\*\*\*|xxx|example|placeholder|changeme|change[-_]me|your[-_ ]|dummy|"
    r"redacted|insert|todo|sample|not[-_]?set|keyring:|env:|file:|secretref).*|none|null|true|false|(.)\1*",
    re.IGNORECASE,
)
_NAME = (
    r"(?:[\w.-]*?[_.-])?(?:passw(?:or)?d|passwd|passphrase|pwd|secret|client_?secret|secret_?key|(?:access|auth|api|bearer|refresh|"
    r"hf|github|gitlab|personal|bot|sas|hub|slack|wandb|id)_?token|token|api_?key|apikey|access_?key|auth_?key|account_?key|"
    r"private_?key|credentials?)(?:_?(?:value|text|string|prod|dev|test))?"
)
_TELLING = (
    "passw", "passphrase", "pwd", "secret", "token", "apikey", "api_key", "accesskey", "access_key", "authkey",
    "auth_key", "accountkey", "account_key", "privatekey", "private_key", "credential",
)  # fmt: skip
_QUOTED = re.compile(
    rf"(?<![\w.])[\"']?({_NAME})[\"']?\]?\s*(?::\s*[\w.\[\] |]+)?\s*(?::=|=>|=|:)\s*"
    rf"[bru]?[\"']([^\"'\s]{{6,{LONGEST_VALUE}}})[\"']",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"(?:^|[;&\s])(?:export\s+|set\s+|ENV\s+|ARG\s+|-\s+)?[\"']?({_NAME})[\"']?\s*[:=]\s*([^\s\"'#;,(){{}}\[\]]{{8,{LONGEST_VALUE}}})\s*(?:$|[#;&])",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"--({_NAME})[= ]+[\"']?([^\s\"'$-][^\s\"']{{7,{LONGEST_VALUE}}})", re.IGNORECASE)
_PASSWORD = re.compile(r"pass|pwd", re.IGNORECASE)


def _is_key(text: str, found: re.Match[str]) -> bool:
    """A header alone is often the text of a program that looks for one."""
    after = text[found.end() : found.end() + 400].replace("\\n", "\n")
    return bool(
        re.match(r"[\s\"'+,rb()]*(?:(?:Proc-Type|DEK-Info|Version|Comment)[^\n]*\s+)*[\"']?[A-Za-z0-9+/]{40}", after)
    )


def _has_version(text: str, found: re.Match[str]) -> bool:
    around = text[max(0, found.start() - AROUND) : found.end() + AROUND]
    return bool(re.search(r"\bs[vpretk]=", around))


def _is_password(_text: str, found: re.Match[str]) -> bool:
    user, password, host = found[1], found[2], found[3]
    local = host.startswith(("localhost", "127."))
    return not (_PLACEHOLDER.fullmatch(password) or password.lower() in _WORDS or (local and user == password))


def _is_random(_text: str, found: re.Match[str]) -> bool:
    return entropy(found[0]) > 3.3


def _is_bearer(_text: str, found: re.Match[str]) -> bool:
    return looks_secret("token", found[1])


_WORDS = listed("password passwd pass pwd secret user username token key pw test root admin postgres")


def _always(_text: str, _found: re.Match[str]) -> bool:
    return True


_B64 = "[A-Za-z0-9+/]"
_SERVER = r"(?:Server|Data Source|Host|Endpoint)=[^;\"'\n]{1,200};[^\"'\n]{0,300}?"

# rule, what has to be in the text (in lower case) before the form is tried, the form, what has to be true besides
_FORMS: tuple[tuple[str, str, str, Callable[[str, re.Match[str]], bool]], ...] = (
    ("private-key", "private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----", _is_key),
    ("private-key", "putty-user-key", r"PuTTY-User-Key-File-[123]: ssh", _always),
    ("account-key", "accountkey=", rf"(?i:AccountKey=){_B64}{{40,88}}={{0,2}}", _always),
    ("account-key", "accesskey=", rf"(?i:SharedAccessKey=){_B64}{{40,88}}={{0,2}}", _always),
    ("account-key", "==", rf"==(?<={_B64}{{86}}==)(?<!{_B64}{{87}}==)(?![A-Za-z0-9+/=])", _always),
    ("sas-token", "sig=", r"[?&;\"']sig=[A-Za-z0-9%+/]{30,}={0,2}", _has_version),
    ("sas-token", "sharedaccesssignature", r"SharedAccessSignature=s[vr]=[^\s\"';]{40,}", _always),
    (
        "connection-string", "://",
        r"://([^\s:/@'\"?#]{1,64}):([^\s@/'\"]{3,200})@([\w.-]{1,200})", _is_password,
    ),
    ("connection-string", "password=", rf"(?i:{_SERVER}Password=(?![<{{$%*])[^;\"'\s]{{4,200}})", _always),
    ("connection-string", "pwd=", rf"(?i:{_SERVER}Pwd=(?![<{{$%*])[^;\"'\s]{{4,200}})", _always),
    ("cloud-key", "akia", r"(?<![A-Za-z0-9/+])AKIA[0-9A-Z]{16}(?![A-Za-z0-9/+=])", _is_random),
    ("cloud-key", "asia", r"(?<![A-Za-z0-9/+])ASIA[0-9A-Z]{16}(?![A-Za-z0-9/+=])", _is_random),
    (
        "cloud-key", "aws_secret_access_key",
        rf"(?i:aws_secret_access_key)[\"']?\]?\s*[=:]\s*[\"']?{_B64}{{40}}(?![A-Za-z0-9/+=])", _always,
    ),
    ("cloud-key", "aiza", r"(?<![\w-])AIza[0-9A-Za-z_-]{35}(?![\w-])", _is_random),
    ("cloud-key", "q~", r"(?<![\w~.-])[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}(?![\w~.-])", _is_random),
    *(
        ("access-token", start, rf"(?<![A-Za-z0-9]){start}[A-Za-z0-9]{{36,255}}", _is_random)
        for start in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")
    ),
    ("access-token", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{60,255}", _is_random),
    ("access-token", "glpat-", r"\bglpat-[\w-]{20,}", _is_random),
    ("access-token", "hf_", r"(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{34}(?![A-Za-z0-9_])", _is_random),
    ("access-token", "xox", r"\bxox[abposr]-[0-9A-Za-z-]{20,}", _is_random),
    ("access-token", "sk-", r"(?<![\w-])sk-(?:proj-|ant-|live-)?[A-Za-z0-9_-]{32,}", _is_random),
    ("access-token", "pypi-", r"\bpypi-Ag[A-Za-z0-9_-]{50,}", _is_random),
    ("access-token", "npm_", r"\bnpm_[A-Za-z0-9]{36}(?!\w)", _is_random),
    ("access-token", "dapi", r"(?<!\w)dapi[0-9a-f]{32}(?:-\d)?(?!\w)", _is_random),
    (
        "access-token", "eyj",
        r"(?<![\w-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}", _is_random,
    ),
    ("access-token", "bearer ", r"\b[Bb]earer ([\w.~+/-]{24,}={0,2})(?![\w.~+/-])", _is_bearer),
    ("access-token", "hooks.slack.com", r"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{20,}", _always),
    ("access-token", ":aa", r"(?<!\d)\d{8,10}:AA[\w-]{33}(?![\w-])", _is_random),
)  # fmt: skip
PATTERNS = tuple((rule, needed, re.compile(form), true) for rule, needed, form, true in _FORMS)


def entropy(text: str) -> float:
    """Bits of each character."""
    counts = Counter(text[:LONGEST_VALUE])
    total = sum(counts.values())
    return -sum(count / total * math.log2(count / total) for count in counts.values()) if total else 0.0


def of_text(text: str, *, code: bool = False) -> list[Found]:
    """`code`: in a program what is not in quotes is no text. One finding a line; what was found is not repeated."""
    lower = text.lower()
    found: dict[int, Found] = {}
    for rule, needed, pattern, true in PATTERNS:
        if needed not in lower:
            continue
        for match in pattern.finditer(text):
            if not any(word in match[0] for word in _PUBLIC) and true(text, match):
                line = text.count("\n", 0, match.start()) + 1
                found.setdefault(line, Found(rule, line, _masked(match[0], rule)))
    for each in _assigned(text, lower, code):
        found.setdefault(each.line, each)
    return sorted(found.values(), key=lambda each: each.line)


def _masked(text: str, rule: str) -> str:
    """Enough to find it again, and no secret."""
    if rule == "private-key":
        return text.strip("-")
    if text == "==":
        return "88 characters of base64"
    start = re.match(r"(?:[A-Za-z_]+=|://|[A-Za-z]{2,6}[_-]|AKIA|ASIA|AIza)", text)
    return f"{start[0] if start else ''}… ({len(text)} characters)"


def _assigned(text: str, lower: str, code: bool) -> Iterator[Found]:
    """Each place with a telling name, as far as a line, or what is around it where that has no end."""
    done = -1
    for place in _telling(lower):
        if place < done:
            continue
        start = max(text.rfind("\n", max(0, place - AROUND), place) + 1, place - AROUND, 0)
        end = text.find("\n", place, place + AROUND)
        end = end if end >= 0 else place + AROUND
        done = end
        part = text[start:end]
        for pattern in (_QUOTED, _OPTION) if code else (_QUOTED, _BARE, _OPTION):
            match = next((each for each in pattern.finditer(part) if looks_secret(each[1], each[2])), None)
            if match is not None:
                seen = f"{match[1][-40:]} = … ({len(match[2])} characters)"
                yield Found("password", text.count("\n", 0, start) + 1, seen)
                break


def _telling(lower: str) -> list[int]:
    """Where the telling names are, in order."""
    places = []
    for name in _TELLING:
        place = lower.find(name)
        while place >= 0:
            places.append(place)
            place = lower.find(name, place + len(name))
    return sorted(places)


def looks_secret(name: str, value: str) -> bool:
    """`value` is a credential rather than a name of one, a placeholder, a path or a token of a language model."""
    if _PLACEHOLDER.fullmatch(value) or value.lower() in _WORDS or "://" in value or value.startswith(("/", "./", "~")):
        return False
    letters, digits = any(c.isalpha() for c in value), any(c.isdigit() for c in value)
    cased = any(c.isupper() for c in value) and any(c.islower() for c in value)
    signs = any(not c.isalnum() and c not in "_-./" for c in value)
    if _PASSWORD.search(name):
        return ((letters and (digits or signs)) or (cased and len(value) >= 10)) and not re.fullmatch(
            r"[\w.]+[(\[].*|[a-z_]+(?:\.\w+)+", value
        )
    if not (letters and digits):
        return False
    if re.fullmatch(r"[0-9a-fA-F-]{32,}", value):
        return entropy(value) > 3.0
    words = re.fullmatch(r"[A-Za-z]+\d{0,3}(?:[-_./][A-Za-z]*\d{0,4})*", value)
    return len(value) >= 16 and entropy(value) >= 3.5 and (cased or signs) and not words
