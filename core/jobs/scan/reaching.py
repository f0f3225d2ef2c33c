"""Calls that go to another machine, and addresses: those of this machine are nobody's business."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from .call import Call, Said, brief
from .folding import Ref, is_text
from .found import listed, shown

_LOCAL = re.compile(
    r"(?:[\w+]+://)?(?:[^@/\s]*@)?(?:localhost|127(?:\.\d+){3}|\[?::1\]?|0\.0\.0\.0)"
    r"(?::[^/@]*)?(?:[/,?#\ufffd].*)?\Z|\Z",
    re.IGNORECASE,
)
_FILE = re.compile(r"(?:file|sqlite|duckdb|env|memory|mlruns|shm)\b|[./~]|[A-Za-z]:\\|\Z", re.IGNORECASE)
STORE = re.compile(r"(?:s3a?|gs|gcs|abfss?|wasbs?|az|adl|hdfs|azureml)://", re.IGNORECASE)
WEB = re.compile(
    r"(?:https?|ftp|sftp)://(?!(?:localhost|127(?:\.\d+){3}|\[?::1\]?)(?::[^/@]*)?(?:[/?#\ufffd]|\Z))", re.IGNORECASE
)
_CHAT = (
    r"https?://(?:hooks\.slack\.com|discord(?:app)?\.com/api/webhooks|api\.telegram\.org|[\w.-]*webhook\.office\.com|"
    r"[\w.-]*\.logic\.azure\.com|pastebin\.com|transfer\.sh|file\.io|0x0\.st|webhook\.site|[\w.-]*requestbin\.\w+|"
    r"[\w.-]*ngrok(?:-free)?\.\w+|[\w.-]*\.trycloudflare\.com|ntfy\.sh|maker\.ifttt\.com)"
)
_PROC = (
    r"/proc/(?:\d+|\*|\ufffd|%d|%s|\{\w*\})/(?:mem|root|fd|cwd|environ|ns|map_files)|/proc/(?:self/(?:mem|root)|kcore)"
)
_CLUES = (
    (re.compile(r"169\.254\.169\.254|168\.63\.129\.16|metadata\.google\.internal|fd00:ec2::254"), "metadata"),
    (re.compile(r"(?:docker|containerd|podman)\.sock\b"), "docker"),
    (re.compile(_CHAT), "webhook"),
    (re.compile(_PROC), "proc"),
    (re.compile(r"\x1b[\]P_^]|\x9d"), "escape-output"),
)
_WITHOUT_WHERE = listed("download hidden-code native dns upload unix-socket")
_WHEREVER = listed("docker privilege hidden-code")  # loopback or not
_OWN_FILES = listed("csv json parquet text arrow imagefolder")  # of datasets.load_dataset


def clues(text: str) -> Iterator[Said]:
    """What a text says by itself, wherever it stands."""
    for pattern, rule in _CLUES:
        found = pattern.search(text)
        if found:
            yield rule, shown(repr(found[0]) if rule == "escape-output" else found[0])


def judged(call: Call, rule: str) -> Iterator[Said]:
    """`rule`: the one that the name has in `calls`."""
    where = None if rule == "http" and _is_unknown(call) else call.where
    if where is not None and _LOCAL.match(where) and rule not in _WHEREVER:
        return
    narrower = _NARROWER.get(rule)
    if narrower is None or narrower(call):
        yield rule, shown(brief(call.name) + (f" → {where}" if where and rule not in _WITHOUT_WHERE else ""))


def _is_unknown(call: Call) -> bool:
    """It goes to what is known at run time only: a text that comes after is not where."""
    return bool(call.given) and not is_text(call.given[0]) and not {"url", "uri", "host"} & call.named.keys()


def goes_elsewhere(address: str) -> bool:
    """Of MLflow's tracking: neither a folder or a file nor this machine."""
    return not _FILE.match(address) and not _LOCAL.match(address) and ("://" in address or address == "databricks")


def _is_tracker(call: Call) -> bool:
    if call.name.startswith("wandb."):
        offline = call.meaning.names.get("wandb:offline") or call.named.get("mode") in ("offline", "disabled")
        return not offline
    if call.name.startswith("mlflow."):
        return call.name.endswith(".login") or (call.where is not None and goes_elsewhere(call.where))
    return not (call.name.startswith("sentry_sdk.") and not call.where)


def _is_database(call: Call) -> bool:
    if call.name.startswith("sqlalchemy."):
        return call.where is not None and "://" in call.where and not call.where.startswith(("sqlite", "duckdb"))
    return True


def _is_dns(call: Call) -> bool:
    return not (isinstance(call.first, Ref) and call.first.startswith(("socket.gethostname", "socket.getfqdn")))


def _is_elsewhere(call: Call) -> bool:
    """Workers: at an address that is none of this machine."""
    if call.name.startswith(("multiprocessing.connection", "rpyc", "Pyro5")):
        return True
    where = call.where or ""
    return ("://" in where or "." in where) and not _FILE.match(where)


def _is_listener(call: Call) -> bool:
    return call.where is not None if call.name.startswith(("flask.", "uvicorn.", "aiohttp.")) else True


def _is_download(call: Call) -> bool:
    if call.name == "datasets.load_dataset":
        return call.where not in _OWN_FILES and not _FILE.match(call.where or "?")
    return call.named.get("source") != "local"


_NARROWER: Mapping[str, Callable[[Call], bool]] = {
    "tracker": _is_tracker,
    "database": _is_database,
    "dns": _is_dns,
    "workers": _is_elsewhere,
    "listener": _is_listener,
    "download": _is_download,
}
