"""MLflow's own limits and errors, so that a job meets here what it would meet at an MLflow server.

Limits: mlflow/utils/validation.py of MLflow 3.15 (unchanged since 2.x where both have them).
"""

from __future__ import annotations

import math
import os
import posixpath
import re
import urllib.parse
from typing import Any, Dict, List, Tuple

KEY_LENGTH = 250
PARAM_LENGTH = 6000  # a longer value is cut, as MLflow's server does
TAG_LENGTH = 8000  # cut as well
METRICS_PER_BATCH = 1000
PARAMS_PER_BATCH = 100
TAGS_PER_BATCH = 100
ENTITIES_PER_BATCH = 1000
BATCH_BYTES = 1000000
PATH_LENGTH = 1000
KEY = re.compile(r"[/\w.\- :]*\Z")
MODEL_NAME = re.compile(r"[^/:.%\"']+\Z")
LATEST_MS = 2**53
DIGITS = 40  # of a whole number: reading a longer one takes the square of its length
_SURROGATE = re.compile("[\ud800-\udfff]")
RESERVED_TAG = "trainshed.run"  # by it the workspace finds a run: a job does not set it

STATUS = {
    "INVALID_PARAMETER_VALUE": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "BAD_REQUEST": 400,
    "PERMISSION_DENIED": 403,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "RESOURCE_LIMIT_EXCEEDED": 413,  # MLflow's client tries a 429 again for minutes
    "INTERNAL_ERROR": 507,  # and a 500 too; 507 it takes as final
    "NOT_IMPLEMENTED": 501,
}


class Refused(Exception):
    """Answered as MLflow's JSON error: the client raises RestException with `code`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> Refused:
    return Refused("INVALID_PARAMETER_VALUE", message)


def missing(what: str, name: str) -> Refused:
    return Refused("RESOURCE_DOES_NOT_EXIST", "%s '%s' not found" % (what, name))


def check_key(kind: str, key: Any) -> str:
    """A metric's, parameter's or tag's name."""
    if not isinstance(key, str) or not key:
        raise invalid("Missing value for required parameter '%s'. A key name must be provided." % kind)
    if not KEY.match(key):
        raise invalid(
            "Invalid value %r for parameter '%s' supplied: Names may only contain alphanumerics, underscores (_),"
            " dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)." % (key[:KEY_LENGTH], kind)
        )
    plain = posixpath.normpath(key)
    if plain != key or plain == "." or plain.startswith(("..", "/")):
        raise invalid(
            "Invalid value %r for parameter '%s' supplied: Names may be treated as files in certain cases, and must"
            " not resolve to other names when treated as such." % (key[:KEY_LENGTH], kind)
        )
    if len(key) > KEY_LENGTH:
        raise invalid("'%s' exceeds the maximum length of %d characters" % (kind, KEY_LENGTH))
    return key


def metric(given: Dict[str, Any]) -> Dict[str, Any]:
    """The fields of a metric op. `time` is in seconds, `value` a float that may be NaN or infinite."""
    key = check_key("name", given.get("key"))
    value = number(given.get("value"), "value")
    time = moment(given.get("timestamp", 0), "timestamp")
    return {"key": key, "value": value, "step": int64(given.get("step", 0), "step"), "time": time}


def moment(given: Any, name: str) -> float:
    """Seconds, of milliseconds that a float still tells apart."""
    found = integer(given, name)
    if not 0 <= found < LATEST_MS:
        raise invalid("Invalid value for parameter '%s': it must be a nonnegative long, in milliseconds" % name)
    return found / 1000.0


def int64(given: Any, name: str) -> int:
    found = integer(given, name)
    if not -(2**63) <= found < 2**63:
        raise invalid("Invalid value for parameter '%s': it must be a valid long (64-bit integer)" % name)
    return found


def no_surrogates(value: Any) -> Any:
    """The same JSON value; halves of a character, which no database and no UTF-8 can hold, become U+FFFD."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [no_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {no_surrogates(key): no_surrogates(item) for key, item in value.items()}
    return value


def number(given: Any, name: str) -> float:
    """Protobuf's JSON has NaN, Infinity and -Infinity as texts."""
    if not isinstance(given, bool) and isinstance(given, (int, float, str)):
        try:
            return float(given)
        except (ValueError, OverflowError):
            pass
    raise invalid("Invalid value for parameter '%s': please specify a valid double (64-bit floating point)" % name)


def integer(given: Any, name: str) -> int:
    if not isinstance(given, bool) and isinstance(given, (int, str, float)):
        try:
            return whole(given) if isinstance(given, str) else int(given)
        except (ValueError, OverflowError):
            pass
    raise invalid("Invalid value for parameter '%s': a 64-bit integer is needed" % name)


def whole(text: str) -> int:
    """Raises ValueError, also for a number of more than 40 digits."""
    if len(text) > DIGITS:
        raise ValueError("too many digits")
    return int(text)


def as_json(value: float) -> Any:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def pair(kind: str, given: Dict[str, Any], limit: int) -> Tuple[str, str]:
    """(key, value) of a parameter or a tag."""
    key = check_key("key", given.get("key"))
    value = given.get("value")
    if kind == "tag" and key == RESERVED_TAG:
        raise invalid("the tag '%s' is trainshed's own" % key)
    return key, ("" if value is None else str(value))[:limit]


def check_batch(metrics: List[Any], params: List[Any], tags: List[Any]) -> None:
    total = len(metrics) + len(params) + len(tags)
    for name, size, limit in (
        ("metrics", len(metrics), METRICS_PER_BATCH),
        ("params", len(params), PARAMS_PER_BATCH),
        ("tags", len(tags), TAGS_PER_BATCH),
        ("metrics, params, and tags", total, ENTITIES_PER_BATCH),
    ):
        if size > limit:
            raise invalid(
                "A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple"
                " requests and try again." % (limit, name, size, name, name)
            )


def artifact_path(path: str) -> str:
    """`path` if it stays inside its folder, also after any further decoding. Raises Refused."""
    decoded = path
    for _ in range(8):
        parts = decoded.split("/")
        if (
            not decoded
            or "\\" in decoded
            or any(part in ("", ".", "..") or len(os.fsencode(part)) > 250 for part in parts)
            or any(ord(character) < 32 for character in decoded)
        ):
            raise invalid("Invalid path")
        again = urllib.parse.unquote(decoded)
        if again == decoded:
            break
        decoded = again
    else:
        raise invalid("Invalid path")
    if len(path) > PATH_LENGTH:
        raise invalid("Invalid path: more than %d characters" % PATH_LENGTH)
    return path
