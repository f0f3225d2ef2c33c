"""What can go wrong while data are staged, as data: faults of the front, and how it may end."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import front_faults, legal_names
from .front_faults import ALWAYS, HOSTILE, Faults
from .made_up import Blob, Container, given, many
from .staging import Outcome, Shed, carried_out

MB = 1 << 20
BIG = "big.bin"
STEPS = 37  # on the disk, of a staging of `mixed`
Blobs = Callable[[random.Random], list[Blob]]
Making = Callable[[random.Random, Shed], Faults]


def mixed(chance: random.Random) -> list[Blob]:
    """One of several ranges, some of one, small ones, an empty one, and one whose MD5 the service does not know."""
    found = [Blob(BIG, 9 * MB + chance.randrange(MB)), Blob("no-md5.bin", 70_000, md5=False), given("empty.txt", b"")]
    return [*found, *(Blob(f"part/{n}.bin", chance.randrange(1, 300_000)) for n in range(4)), *many(12, 4096)]


def few(chance: random.Random) -> list[Blob]:
    return [*many(6, 4096), Blob("a/some.bin", 200_000)]


def names(step: int) -> Blobs:
    return lambda _: [given(name, name.encode()) for name in legal_names.every(step)]


@dataclass(frozen=True)
class Case:
    """`ends`: complete, error, or "" where both are right. `sample`: in `make test` too."""

    faults: Making
    ends: str = ""
    blobs: Blobs = mixed
    sample: bool = True
    key: bool = False  # the account's key instead of a SAS


def simply(**fields: object) -> Making:
    return lambda chance, shed: Faults(**fields)  # type: ignore[arg-type]


def cuts(chance: random.Random, shed: Shed) -> Faults:
    return Faults(cut_after=[chance.randrange(1, 2 * MB) for _ in range(5)])


def changes(act: str) -> Making:
    """`act` on the large blob, or on one of the others, when some were asked for."""

    def faults(chance: random.Random, shed: Shed) -> Faults:
        name = chance.choice([BIG, BIG, shed.container.names[-1], shed.container.names[0]])
        at = chance.randint(2, 8)
        return Faults(when={at: lambda: getattr(shed.container, act)(name)})

    return faults


def added(chance: random.Random, shed: Shed) -> Faults:
    return Faults(when={3: lambda: shed.container.put(Blob("new.bin", 5000))})


def expires(chance: random.Random, shed: Shed) -> Faults:
    return Faults(expires_after=chance.randint(2, 12))


def service_restarts(chance: random.Random, shed: Shed) -> Faults:
    return Faults(when=dict.fromkeys((2, 5, 9), shed.front.cut))


def killed(chance: random.Random, shed: Shed) -> Faults:
    return Faults(when={chance.randint(2, 16): lambda: shed.agent.process.kill()})


def lying(lie: front_faults.Lie) -> Making:
    return lambda chance, shed: Faults(listing=lie)


CASES: Mapping[str, Case] = {
    "nothing goes wrong": Case(simply(), "complete"),
    "nothing goes wrong, account key": Case(simply(), "complete", key=True, sample=False),
    "cut at every second block": Case(simply(cut=ALWAYS, every=2), "complete"),
    "reset at every second block": Case(simply(reset=ALWAYS, every=2), "complete"),
    "cut at any byte": Case(cuts, "complete"),
    "cut at every block": Case(simply(cut_after=[0] * 5000), "error", few, sample=False),
    "all connections end": Case(service_restarts, "complete"),
    "truncated once": Case(simply(truncate=1), "complete", sample=False),
    "truncated at every second block": Case(simply(truncate=ALWAYS, every=2), "complete"),
    "shorter than asked, once": Case(simply(shorten=1)),
    "shorter than asked, always": Case(simply(shorten=ALWAYS), "error", few),
    "corrupted once": Case(simply(corrupt=1, only="part/"), "complete"),
    "corrupted once, large blob": Case(simply(corrupt=1, only=BIG), sample=False),
    "corrupted always": Case(simply(corrupt=ALWAYS, only="part/"), "error"),
    "corrupted always, large blob": Case(simply(corrupt=ALWAYS, only=BIG), "error"),
    "wrong Content-MD5 always": Case(simply(wrong_md5=ALWAYS, only="part/")),
    "longer than asked, once": Case(simply(too_long=1)),
    "longer than asked, always": Case(simply(too_long=ALWAYS), "error", few),
    "more than Content-Length": Case(simply(spill=ALWAYS, every=3)),
    "200 instead of 206": Case(simply(whole=ALWAYS), sample=False),
    "blob replaced in the middle": Case(changes("change")),
    "blob deleted in the middle": Case(changes("remove")),
    "blob added in the middle": Case(added, "complete", sample=False),
    "credential expired in the middle": Case(expires, "error"),
    "key changed in the middle": Case(expires, "error", key=True, sample=False),
    "throttled for a while": Case(simply(busy=4, retry_after="1"), "complete"),
    "throttled always": Case(simply(busy=ALWAYS, retry_after="0"), "error", few, sample=False),
    "500 for a while": Case(simply(errors=3), "complete"),
    "slow": Case(simply(latency_s=0.01, bytes_per_s=4e6), "complete", few),
    "agent killed": Case(killed),
    "listing: sizes too large": Case(lying(front_faults.sizes(7)), "error", few),
    "listing: sizes too small": Case(lying(front_faults.sizes(-7)), "error", few, sample=False),
    "listing: every blob twice": Case(lying(front_faults.twice), blobs=few),
    "listing: endless": Case(lying(front_faults.endless), "error", few),
    "listing: endless and empty": Case(lying(front_faults.nothing_for_ever), "error", few),
    "listing: a name that leaves": Case(
        lying(front_faults.renamed("a/some.bin", "../../../evil")), "error", few
    ),
    "listing: an absolute name": Case(
        lying(front_faults.renamed("a/some.bin", "/tmp/evil")), "error", few, sample=False
    ),
    "listing: a control character": Case(lying(front_faults.renamed("a/some.bin", "a&#10;b")), "error", few),
    "listing: a file that is a folder": Case(
        lying(front_faults.renamed("a/some.bin", "many/000001.bin/x")), "error", few
    ),
    **{f"listing: {name}": Case(lying(lie), "error", few) for name, lie in HOSTILE.items()},
    "nothing but empty blobs": Case(simply(), "complete", lambda _: [given("a/b.txt", b""), given("c.txt", b"")]),
    "names with every legal character": Case(simply(), "complete", names(40)),
    "names with every legal character, all": Case(simply(), "complete", names(1), sample=False),
}  # fmt: skip


def tried(shed: Shed, name: str, chance: random.Random) -> tuple[list[str], Outcome]:
    """A case of this name: (what is wrong, how it ended)."""
    case = CASES[name]
    shed.hold(Container(case.blobs(chance)))
    faults = case.faults(chance, shed)
    return carried_out(shed, faults, ends=case.ends, key=case.key, ended=name == "agent killed")
