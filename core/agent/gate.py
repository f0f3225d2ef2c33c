"""The only way out of the VM.

Every byte and every message that the agent sends to the client goes through
`released`, and a job's output goes through `passed`, in chunks as they come, on
its way from `raw.log` to `passed.log`. Both let everything pass today; the rules
that recognise records have this one place to stand in, and will need whole lines
where `passed` is given chunks. As long as it keeps the length of what it is given, a second supervisor
finds in the two files where the first was killed (output.py); afterwards it needs an offset of its own.
"""

from __future__ import annotations


def released(kind: str, payload: object) -> object:
    """What may leave in place of `payload`; `kind` is the operation's name."""
    return payload


def passed(chunk: bytes) -> bytes:
    """What of a job's output may go into `passed.log`."""
    return chunk
