"""What operations yield: a closed union of frozen records, in the JSON that others may build on.

Each encodes to one JSON object whose `event` is its tag; `encode` adds `"schema": 1`.
Times are seconds since the epoch on the client, sizes are bytes, durations are seconds.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec

SCHEMA = 1

Status = Literal["pass", "warn", "fail", "unknown", "skipped"]
Severity = Literal["critical", "high", "medium", "low", "info"]
RunState = Literal["created", "preparing", "running", "completed", "failed", "cancelled", "lost"]

TERMINAL: frozenset[str] = frozenset({"completed", "failed", "cancelled", "lost"})


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    pass


class Phase(_Event, frozen=True, kw_only=True, tag="phase"):
    """What is being tried now, in words a person reads: `step` is the wizard's step."""

    step: str
    title: str
    command: str = ""  # the equal shell command, where there is one


class Progress(_Event, frozen=True, kw_only=True, tag="progress"):
    """`total` is None where no real total is known: then no bar is drawn. `rate`: units a second."""

    title: str
    done: int
    total: int | None = None
    unit: Literal["bytes", "files", "items"] = "bytes"
    rate: float | None = None
    left_s: float | None = None


class Notice(_Event, frozen=True, kw_only=True, tag="notice"):
    """Something to know that is neither an error nor a finding."""

    text: str
    level: Literal["info", "warning"] = "info"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    hostname: str
    user: str
    os: str
    kernel: str
    architecture: str
    cpus: int
    memory_bytes: int
    disk_free_bytes: int
    disk_total_bytes: int
    python: str
    gpus: list[str] = []
    docker: str = ""  # version, or "" where there is none
    bwrap: str = ""
    sandbox: str = ""  # the engine a run would use, or "" where none can be had
    sandbox_reason: str = ""  # why not, and what to install; or what the sandbox goes without here
    clock_skew_s: float = 0.0  # VM minus client, less half the round trip


class Connected(_Event, frozen=True, kw_only=True, tag="connected"):
    host: str
    port: int
    user: str
    key_type: str
    fingerprint: str
    trusted_by: str  # "site file", "known_hosts" or "you"
    agent: str  # content hash of the agent in use
    agent_placed: bool  # False: it was there already
    facts: Facts


class CheckFinished(_Event, frozen=True, kw_only=True, tag="check.finished"):
    id: str
    group: str
    title: str
    status: Status
    severity: Severity
    evidence: str
    expected: str = ""
    sources: list[str] = []
    fix: str = ""
    duration_s: float | None = None
    accepted: dict[str, str] | None = None  # owner, reason, until, and the status that it would have


class CheckChange(msgspec.Struct, frozen=True, kw_only=True):
    """How one check differs from an earlier time. `was` and `now`: None where the check was not made."""

    id: str
    title: str
    kind: Literal["new", "worse", "better", "gone", "other"]  # of a finding; other: the same status, other evidence
    was: Status | None
    now: Status | None


class ChecksFinished(_Event, frozen=True, kw_only=True, tag="checks.finished"):
    """`since`: when the checks were made that `changes` compares with; None where there is no earlier time."""

    counts: dict[str, int]  # status -> number
    started: float
    duration_s: float
    since: float | None = None
    changes: list[CheckChange] = []


class FixItem(msgspec.Struct, frozen=True, kw_only=True):
    """One check of a fix. `fix`: it is put right; `right`: it is already; `refused`: not by us, `reason` says why."""

    id: str
    title: str
    severity: Severity
    status: Literal["fix", "right", "refused", "by hand"]
    settings: dict[str, str] = {}  # of sshd_config, that are written
    reason: str = ""  # why it is refused, or a part of it
    by_hand: list[str] = []  # what a person does


class FixedFile(msgspec.Struct, frozen=True, kw_only=True):
    path: str  # on the VM
    diff: str  # unified


class FixedMode(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    before: int
    after: int


class FixPlanned(_Event, frozen=True, kw_only=True, tag="fix.planned"):
    """What a fix would do; nothing was changed. Nothing to do: neither files nor modes."""

    vm: str
    items: list[FixItem]
    files: list[FixedFile]
    modes: list[FixedMode]
    commands: list[str]  # what a person would type
    config: str  # the server's file
    digest: str  # agreeing to it agrees to this plan and no other
    revert_by: str = ""  # systemd or cron: what puts it back without us
    revert_s: float = 0.0
    undoes: str = ""  # the fix that is taken back


class FixFinished(_Event, frozen=True, kw_only=True, tag="fix.finished"):
    """`kept`: a new login has proved it. `nothing`: all of it was there already."""

    fix: str  # its name on the VM, "" for none
    result: Literal["kept", "nothing"]
    checks: list[str]
    duration_s: float


class DataHolder(msgspec.Struct, frozen=True, kw_only=True):
    """Who needs staged data now."""

    kind: Literal["run", "service"]
    name: str
    state: str  # of a run that waits for its turn: queued
    owner: str = ""


class StagedData(msgspec.Struct, frozen=True, kw_only=True):
    digest: str  # sha256 over the sorted list of (path, size, sha256)
    path: str  # in the container: a file, a folder with a trailing "/", or "" for all
    files: int
    bytes: int
    staged: float
    paths: list[str] = []  # all that it was asked for by; `path` is the last
    listing: str = ""  # a hash of the container's listing
    alone: int | None = None  # bytes that no other version shares
    used: float | None = None  # by a run or a served model, or when it was staged
    held: list[DataHolder] = []
    broken: bool = False  # what it has cannot be told


class DataStaged(_Event, frozen=True, kw_only=True, tag="data.staged"):
    """`fetched`: bytes that came from the container; `linked`: bytes that another version on the VM had already.

    `listing`: a digest of what the container listed, to tell whether anything has changed; what a run sees is
    `data.digest`, of the content.
    """

    data: StagedData
    reused: bool
    duration_s: float = 0.0
    fetched: int = 0
    linked: int = 0
    listing: str = ""


class PartialData(msgspec.Struct, frozen=True, kw_only=True):
    """A staging that has not ended. `path`: None where that is not known."""

    name: str
    path: str | None
    bytes: int
    since: float
    going: bool


class DataListed(_Event, frozen=True, kw_only=True, tag="data.listed"):
    """`left`: bytes of a removal that was cut short; `foreign`: things in the folder that are not of ours."""

    items: list[StagedData]
    partial: list[PartialData] = []
    left: int = 0
    foreign: int = 0
    disk_free: int | None = None


class DataStays(msgspec.Struct, frozen=True, kw_only=True):
    what: str  # version, staging, run, package, rest
    name: str
    path: str | None
    why: str
    do: str = ""  # what removes it


class DataChosen(_Event, frozen=True, kw_only=True, tag="data.chosen"):
    """What an eviction or a purge would take; nothing was. `bytes`: what the disk gains."""

    purge: bool
    versions: list[StagedData]
    partial: list[PartialData]
    stay: list[DataStays]
    bytes: int


class DataEvicted(_Event, frozen=True, kw_only=True, tag="data.evicted"):
    versions: list[StagedData]
    partial: list[PartialData]
    stay: list[DataStays]
    bytes: int


class DataPurged(_Event, frozen=True, kw_only=True, tag="data.purged"):
    """`receipt`: as the VM has it in ROOT/receipts.jsonl. `kept`: its path on the client, or ""."""

    versions: list[StagedData]
    partial: list[PartialData]
    stay: list[DataStays]
    bytes: int
    receipt: dict[str, Any]
    kept: str = ""


class ReceiptInfo(msgspec.Struct, frozen=True, kw_only=True):
    receipt: str
    began: str  # by the VM's clock, ISO 8601
    ended: str  # "": it has not, or was cut short
    by: str
    asked: list[str]
    versions: int
    files: int
    bytes: int
    remained: int  # things
    intact: bool  # its sha256 fits
    kept: str = ""  # path on the client; "": it is the VM's


class ReceiptsListed(_Event, frozen=True, kw_only=True, tag="receipts.listed"):
    receipts: list[ReceiptInfo]


class LogText(_Event, frozen=True, kw_only=True, tag="log"):
    """Whole bytes of `passed.log` from `offset`, decoded with replacement; `size` is their length in bytes."""

    offset: int
    text: str
    size: int


class LogTimes(_Event, frozen=True, kw_only=True, tag="log.times"):
    """When bytes of `passed.log` were written, by the VM's clock: (offset, time) of the first byte of a second or more.

    Comes only from agents that note it, in order, and each point once.
    """

    run: str
    points: list[tuple[int, float]]


class Metric(_Event, frozen=True, kw_only=True, tag="metric"):
    key: str
    value: float
    step: int
    time: float
    run: str = ""  # "" is the run itself; otherwise a child run


class Logged(_Event, frozen=True, kw_only=True, tag="logged"):
    """A parameter, a tag, an artifact or a model that the job logged."""

    kind: Literal["param", "tag", "artifact", "model", "register"]
    key: str
    value: str = ""
    run: str = ""


class BuildLog(_Event, frozen=True, kw_only=True, tag="build.log"):
    text: str


class GpuUse(msgspec.Struct, frozen=True, kw_only=True):
    use: float | None  # 0 to 1
    memory: int | None  # bytes


class EnvironmentInfo(msgspec.Struct, frozen=True, kw_only=True):
    hash: str
    kind: Literal["venv", "conda", "image"]
    what: str  # "Python 3.11.2", the conda packages asked for, or the image's name
    bytes: int
    built: float
    used: float  # when a run that has it was made last, or it was built
    runs: int
    needed: bool  # by a run that has not ended, a package or a service


class EnvironmentsListed(_Event, frozen=True, kw_only=True, tag="environments.listed"):
    environments: list[EnvironmentInfo]


class EnvironmentsPruned(_Event, frozen=True, kw_only=True, tag="environments.pruned"):
    removed: list[str]
    bytes: int


class ResolvedInput(msgspec.Struct, frozen=True, kw_only=True):
    """`literal`: a value; `site`: of the site's container; `local`: of this machine, and sent."""

    name: str
    source: Literal["literal", "site", "local"]
    type: str  # string, boolean, integer or number; uri_file, uri_folder …
    value: str = ""  # of a literal, as the command gets it
    was: str | None = None  # what the job file, or the run it starts from, has in its place, where a setting changed it
    path: str = ""  # in the container ("": all of it), or on this machine
    inside: str = ""  # where the job sees it
    files: int | None = None  # of data that is staged, or sent
    bytes: int | None = None
    digest: str = ""  # of data that is staged, or sent
    staged: float | None = None  # when the VM read it from the container


class ResolvedOutput(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    type: str
    inside: str


class ResolvedEnvironment(msgspec.Struct, frozen=True, kw_only=True):
    kind: Literal["venv", "conda", "image", "context"]  # as asked for; the VM may have no Docker for an image
    what: str  # "Python 3.11", the channels, the image, or the folder of the Dockerfile
    packages: list[str] = []  # requirements and conda packages, without hashes
    hash: str = ""  # "" until the VM was asked
    built: bool | None = None  # None: the VM was not asked
    note: str = ""  # what the VM makes of it instead
    fetched_here: bool = False  # its packages are fetched by this machine and sent


class SentFile(msgspec.Struct, frozen=True, kw_only=True):
    path: str  # relative
    bytes: int
    link: str | None = None  # a link is sent as a link: its target


class Travel(msgspec.Struct, frozen=True, kw_only=True):
    """What leaves this machine for the VM. Nothing travels the other way before a run prints or logs."""

    what: str  # "code", "input rows", "Docker build context"
    place: str  # on this machine: absolute, links followed
    files: list[SentFile]
    bytes: int
    digest: str
    ignore_file: str = ""  # which names what stays behind
    outside: bool = False  # of the job file's folder
    there: bool | None = None  # the VM has it from before; None: it was not asked


class RunLimits(msgspec.Struct, frozen=True, kw_only=True):
    """None: no limit of ours."""

    timeout_s: int | None
    slots: int | None  # runs at once on the VM; the others wait
    gpus: str  # how many, as the job's tag says; "": all that the VM has
    memory_bytes: int | None  # None: the VM's, but for what it needs itself
    tmp_bytes: int  # each of /tmp, /dev/shm and HOME
    log_bytes: int


class JobResolved(_Event, frozen=True, kw_only=True, tag="job.resolved"):
    """What a launch does, before it does it. `asked`: the VM said what it has already.

    `digest`: of all that this machine decides of it; a launch that is told it starts nothing else. "": an old record.
    """

    digest: str = ""
    job: str  # the job file, or the run that this one starts from
    rerun: bool = False  # `job` is a run
    resume: bool = False  # it begins with that run's checkpoints
    site: str
    vm: str
    asked: bool = False
    not_asked: str = ""  # why not, where it was tried
    name: str
    experiment: str
    command: str
    engine: Literal["docker", "bwrap", ""] = ""  # "": only the VM knows
    inputs: list[ResolvedInput]
    outputs: list[ResolvedOutput]
    environment: ResolvedEnvironment
    variables: dict[str, str]
    tags: dict[str, str]
    limits: RunLimits
    code: str  # "sent", "kept" (the VM has the earlier run's) or "none"
    travels: list[Travel]
    warnings: list[str]
    notes: list[str]


class ScanFinding(_Event, frozen=True, kw_only=True, tag="scan.finding"):
    """What of a job could send data out or leave it behind. `seen` is never a secret and never a record."""

    rule: str
    leak: Literal["Net", "Out", "Res", "Side"]  # a network; what is passed on; a disk; it hides what it does
    level: Literal["refused", "warning", "note"]
    title: str
    file: str  # relative to the folder, or as it was named
    line: int  # 0: the file as a whole
    seen: str
    reason: str
    instead: str
    source: str = ""  # CWE, or MITRE ATT&CK
    allowed: str = ""  # why, where somebody answers for it


class ScanFinished(_Event, frozen=True, kw_only=True, tag="scan.finished"):
    """`files`: those that would travel. A scan informs: it never protects."""

    path: str
    kind: Literal["folder", "job", "file"]
    folder: str = ""  # of the code: what the paths of files are relative to
    files: list[SentFile]
    bytes: int
    ignore_files: list[str]
    counts: dict[str, int]  # refused, warning, note, and allowed, which are in none of the others
    looked_at: int  # bytes of code
    duration_s: float


class RunCreated(_Event, frozen=True, kw_only=True, tag="run.created"):
    run: str
    name: str
    experiment: str
    vm: str
    command: str  # what runs, as resolved
    existed: bool = False


class RunStateChanged(_Event, frozen=True, kw_only=True, tag="run.state"):
    run: str
    state: RunState
    time: float
    reason: str = ""


class Queued(_Event, frozen=True, kw_only=True, tag="run.queued"):
    """The run waits for its turn on the VM."""

    run: str
    ahead: int  # runs that came before it and have not ended


class Resources(_Event, frozen=True, kw_only=True, tag="resources"):
    """What a run took of its VM, every 2 s or so."""

    run: str
    time: float
    cpu: float  # cores that its processes used
    memory: int  # bytes that they held
    machine_cpu: float  # 0 to 1, of all cores
    machine_memory: int  # bytes in use
    disk_free: int
    gpus: list[GpuUse] = []


class RunFinished(_Event, frozen=True, kw_only=True, tag="run.finished"):
    run: str
    status: RunState
    exit_code: int | None
    metrics: dict[str, float]
    artifacts: list[str]
    reason: str = ""


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    run: str
    name: str
    experiment: str
    state: RunState
    created: float
    ended: float | None = None
    exit_code: int | None = None
    reason: str = ""
    vm: str = ""
    parent: str | None = None  # the run that this one was started again from
    owner: str = ""  # USER@HOST of the client that started it
    ahead: int | None = None  # while it waits for its turn: the runs that came before it and have not ended
    peak_memory: int | None = None  # bytes, of a run that has ended
    cpu_s: float | None = None  # seconds of one core, of a run that has ended
    command: str = ""
    code_digest: str = ""
    environment: str = ""
    engine: str = ""  # docker or bwrap
    data: dict[str, str] = {}  # input name -> data digest
    params: dict[str, str] = {}
    metrics: dict[str, float] = {}  # the last value of each
    tags: dict[str, str] = {}
    artifacts: list[str] = []
    models: list[str] = []  # names of the models that it logged
    log_bytes: int = 0


class RunsListed(_Event, frozen=True, kw_only=True, tag="runs.listed"):
    runs: list[RunInfo]


class ComparedText(msgspec.Struct, frozen=True, kw_only=True):
    group: Literal["run", "parameter", "tag", "data"]
    name: str
    a: str | None  # None: that run has none
    b: str | None


class ComparedNumber(msgspec.Struct, frozen=True, kw_only=True):
    group: Literal["metric", "resource"]
    name: str
    a: float | None  # a metric's last value
    b: float | None
    difference: float | None  # b less a
    unit: Literal["", "s", "bytes"] = ""


class ComparedFile(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    change: Literal["added", "removed", "changed"]  # added: b alone has it
    bytes_a: int | None
    bytes_b: int | None
    diff: str = ""  # unified
    note: str = ""  # why there is no diff


class ComparedCode(msgspec.Struct, frozen=True, kw_only=True):
    same: bool | None  # None: it could not be compared
    files: list[ComparedFile] = []  # those that differ
    note: str = ""


class RunsCompared(_Event, frozen=True, kw_only=True, tag="runs.compared"):
    a: RunInfo
    b: RunInfo
    texts: list[ComparedText]
    numbers: list[ComparedNumber]
    code: ComparedCode


class RunDeleted(_Event, frozen=True, kw_only=True, tag="run.deleted"):
    run: str
    bytes: int  # freed on the VM's disk


class Downloaded(_Event, frozen=True, kw_only=True, tag="downloaded"):
    run: str
    folder: str  # on the client
    files: int  # that came; `same` were there already
    bytes: int
    same: int = 0
    left: int = 0  # files of models, which stay on the VM


class LinkChanged(_Event, frozen=True, kw_only=True, tag="link"):
    """Silence is not failure: the view says when the VM was last seen, the run goes on."""

    state: Literal["lost", "restored"]
    last_seen: float
    retry_in_s: float | None = None


class LinkTry(_Event, frozen=True, kw_only=True, tag="link.try"):
    """While the link is lost: the next try to take it up again."""

    attempt: int  # 1: the first since it was lost
    wait_s: float | None = None  # until it begins; None: it goes on now


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    version: str
    run: str
    tags: dict[str, str]
    created: float = 0.0
    source: str = ""  # trainshed://SITE/VM/runs/ULID/models/NAME
    digest: str = ""


class ModelRegistered(_Event, frozen=True, kw_only=True, tag="model.registered"):
    model: str
    version: str
    tags: dict[str, str]
    existed: bool = False


class ModelsListed(_Event, frozen=True, kw_only=True, tag="models.listed"):
    models: list[ModelInfo]


class ModelPackaged(_Event, frozen=True, kw_only=True, tag="model.packaged"):
    model: str
    version: str
    path: str  # the folder on the VM
    digest: str
    files: list[str]
    bytes: int


class ServiceInfo(msgspec.Struct, frozen=True, kw_only=True):
    service: str
    model: str
    version: str
    state: Literal["starting", "healthy", "failed", "stopped"]
    address: str = ""  # unix:… on the VM
    reason: str = ""
    started: float = 0.0


class ServiceChanged(_Event, frozen=True, kw_only=True, tag="service"):
    info: ServiceInfo


class ServicesListed(_Event, frozen=True, kw_only=True, tag="services.listed"):
    services: list[ServiceInfo]


class Predicted(_Event, frozen=True, kw_only=True, tag="prediction"):
    """The record itself stays on the VM: only its number, the answer and the label come back."""

    service: str
    row: int
    prediction: str
    expected: str | None
    correct: bool | None
    duration_s: float


class SiteWritten(_Event, frozen=True, kw_only=True, tag="site.written"):
    name: str
    path: str


Event = (
    Phase
    | Progress
    | Notice
    | Connected
    | CheckFinished
    | ChecksFinished
    | FixPlanned
    | FixFinished
    | DataStaged
    | DataListed
    | DataChosen
    | DataEvicted
    | DataPurged
    | ReceiptsListed
    | LogText
    | LogTimes
    | Metric
    | Logged
    | BuildLog
    | EnvironmentsListed
    | EnvironmentsPruned
    | JobResolved
    | ScanFinding
    | ScanFinished
    | RunCreated
    | RunStateChanged
    | Queued
    | Resources
    | RunFinished
    | RunsListed
    | RunsCompared
    | RunDeleted
    | Downloaded
    | LinkChanged
    | LinkTry
    | ModelRegistered
    | ModelsListed
    | ModelPackaged
    | ServiceChanged
    | ServicesListed
    | Predicted
    | SiteWritten
)


def plain(value: Any) -> Any:
    """A record as values of JSON, which has no NaN and no infinities: they are `"NaN"`, `"Infinity"`, `"-Infinity"`.

    MLflow's REST API writes them so too.
    """
    return _written(msgspec.to_builtins(value))


def _written(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_written(item) for item in value]
    return value


def to_json(event: Event) -> dict[str, Any]:
    """The event as plain JSON values, with the schema's number."""
    return {"schema": SCHEMA, **plain(event)}


def from_json(value: Any) -> Event:
    """The event that `to_json` wrote. Raises msgspec.ValidationError on anything else."""
    given = {key: item for key, item in value.items() if key != "schema"}
    event: Event
    try:
        event = msgspec.convert(given, Event)
    except msgspec.ValidationError:
        event = msgspec.convert(given, Event, strict=False)  # reads "NaN" where a number is wanted
    return event
