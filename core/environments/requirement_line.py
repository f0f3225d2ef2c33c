"""One line of pip requirements: what of it the VM cannot have, or must not be asked of this machine."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement

EDITABLE = re.compile(r"(-e|--editable)\b")
VCS = re.compile(r"(?:[\w.\[\],-]+\s*@\s*)?(git|hg|svn|bzr)\+", re.IGNORECASE)
LOCAL = re.compile(r"(?:[\w.\[\],-]+\s*@\s*)?(file:|\.{1,2}(/|$)|/|~)", re.IGNORECASE)
ARCHIVE = re.compile(r".*\.(whl|egg|zip|tar(\.\w+)?|t[bglx]z2?)", re.IGNORECASE)  # pip takes such a name for a file
CREDENTIAL = re.compile(r"(https?:[/\\]*|://)[^/\\\s@]+@", re.IGNORECASE)  # the slashes can be missing
BARE = re.compile(r"https?:", re.IGNORECASE)
ADDRESS = re.compile(r"https?://[^\s/\\]\S*", re.IGNORECASE)
INDEX = re.compile(r"(--index-url|-i|--extra-index-url|--find-links|-f)[\s=]+https?://\S+")
OPTION = re.compile(
    r"--(pre|prefer-binary|require-hashes|only-binary[\s=]\S+|no-binary[\s=]\S+|trusted-host[\s=]\S+|no-index)"
)
HASHES = re.compile(r"(?:\s+--hash[\s=]\S+)+")
# pip and uv read a hyphen behind a blank as the beginning of an option, also where it is between quotation marks.
AMBIGUOUS = re.compile(r"\\|\s-")

_CREDENTIAL = ("has a credential in it, which would be kept on the VM", "put it into /etc/pip.conf on the VM")
_VARIABLE = ("names a variable of this machine, whose value would be sent away", "write the value itself")
_UNPRINTABLE = ("has a character that cannot be seen", "write the line anew: it may be read as two")
_EDITABLE = ("an editable package lives on this machine, not on the VM", "put its source into the job's code folder")
_VCS = ("a package out of version control has no fixed content", "name a released version")
_LOCAL = (
    "a local path is not on the VM",
    "put the source into the job's code folder, or name a released version",
)
_OPTION = ("this option cannot be used here", "write the requirements out, one a line")
_ADDRESS = ("is not a requirement by an address that begins with http:// or https://", "NAME @ https://HOST/PATH")
_OTHER = ("is not a requirement", "NAME==VERSION, one a line")


def shown(line: str) -> str:
    """Without its credentials, on one line."""
    hidden = CREDENTIAL.sub(r"\1***@", line)
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in hidden)


def refused(line: str) -> tuple[str, str] | None:
    """(what is wrong, a hint), or None. `line`: without a comment and blanks around it."""
    if not line.replace("\t", " ").isprintable():
        return _UNPRINTABLE
    if CREDENTIAL.search(line):
        return _CREDENTIAL
    if "$" in line:
        return _VARIABLE
    if EDITABLE.match(line):
        return _EDITABLE
    if VCS.match(line):
        return _VCS
    if LOCAL.match(line):
        return _LOCAL
    if line.startswith("-"):
        known = INDEX.fullmatch(line) or OPTION.fullmatch(line)
        return None if known and "\\" not in line else _OPTION
    return _requirement(line)


def _requirement(line: str) -> tuple[str, str] | None:
    hashes = re.search(r"\s+--hash[\s=]", line)
    text = line[: hashes.start()] if hashes else line
    if hashes and not HASHES.fullmatch(line[hashes.start() :]):
        return _OTHER
    try:
        found = Requirement(f"bare @ {text}" if BARE.match(text) else text)
    except InvalidRequirement:
        return _OTHER
    if found.url is not None and not ADDRESS.fullmatch(found.url):
        return _not_fetched(found.url)
    if found.url is None and ARCHIVE.fullmatch(found.name):
        return _LOCAL
    return _OTHER if AMBIGUOUS.search(text) else None


def _not_fetched(address: str) -> tuple[str, str]:
    if VCS.match(address):
        return _VCS
    return _ADDRESS if BARE.match(address) else _LOCAL
