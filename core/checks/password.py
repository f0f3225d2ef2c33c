"""The password that we log in with: judged here, on the client. Nothing of it leaves, not even its length."""

from __future__ import annotations

from typing import Any

from ..site.secrets import Secret
from .model import Seen, Verdict

STRONGEST = 4  # of zxcvbn: more than 10^10 guesses
LONGEST = 72  # what zxcvbn looks at


def strength(password: Secret | None, *, by_password: bool, words: tuple[str, ...]) -> dict[str, Any]:
    """The section `password`. `words`: what a guesser knows: the account's and the host's names."""
    if not by_password:
        return {"used": False}
    if password is None:
        return {"used": True, "length": 0, "score": None, "why": ""}
    from zxcvbn import zxcvbn

    text = password.reveal()
    found = zxcvbn(text[:LONGEST], user_inputs=list(words))
    return {"used": True, "length": len(text), "score": found["score"], "why": found["feedback"]["warning"] or ""}


def this_account(seen: Seen, least: int) -> Verdict:
    found = seen.section("password")
    if not found["used"]:
        return Verdict("skipped", "we log in with a key")
    if found["score"] is None:
        return Verdict("unknown", "the password is not known here. Log in with it once: trainshed connect")
    wrong = [f"shorter than {least} characters"] if found["length"] < least else []
    wrong += [f"guessed soon: zxcvbn {found['score']} of {STRONGEST}"] if found["score"] < STRONGEST else []
    wrong += [found["why"]] if wrong and found["why"] else []
    return Verdict("fail" if wrong else "pass", "; ".join(wrong) or f"long, zxcvbn {STRONGEST} of {STRONGEST}")
