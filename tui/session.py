"""What the screens share: the services, the journey, what was found so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core.events import Connected, DataStaged, Event, RunCreated, RunInfo
from core.pace import Pace
from core.services import Services

from .equal import equal_command
from .link import LinkState
from .steps import Journey
from .words import now


@dataclass(frozen=True)
class Command:
    where: Literal["vm", "cli"]
    text: str


@dataclass
class Session:
    services: Services
    read_only: bool = False
    pace: Pace | None = None  # of a replay
    label: str = ""  # "demo" or "replay": shown as a badge
    job: Path | None = None  # offered by Launch
    fingerprint: str = ""  # of the VM, known out of band: offered by Connect
    row: int = 17  # offered by Model
    keep: bool = False  # what is known of each step, for the next session
    clock: Callable[[], float] = field(kw_only=True)  # seconds, for elapsed times
    journey: Journey = field(default_factory=Journey)
    commands: list[Command] = field(default_factory=list)
    painted: bool = False  # once: what is hidden at first is made after that
    on_command: Callable[[], None] = lambda: None
    on_reached: Callable[[str], None] = lambda _step: None
    on_seen: Callable[[Event], None] = lambda _event: None  # every event of an operation
    connected: Connected | None = None
    staged: DataStaged | None = None  # the last one, by Data or by Launch
    run: str = ""  # the run that Watch and Model are about
    to_open: str = ""  # a run that Watch opens when it is seen next, whatever it shows
    told: dict[str, RunInfo] = field(default_factory=dict)  # runs as the VM told them last, with texts as they came
    run_info: RunInfo | None = None
    run_going: bool = False
    runs_look: tuple[str, str, bool, str] | None = None  # how the list of runs was filtered and sorted
    vm_ends: bool = False  # the VM ends with this program, its runs included
    link: LinkState = field(init=False)

    def __post_init__(self) -> None:
        self.link = LinkState(lambda: self.clock())

    @property
    def site(self) -> str:
        return self.services.site.name

    @property
    def vm(self) -> str:
        return self.services.site.vm

    def ran(self, where: Literal["vm", "cli"], text: str) -> None:
        """Notes a command that was run on the VM, or the command line equal to what was just done."""
        from .report import redacted
        from .text import harmless

        self.commands.append(Command(where, harmless(redacted(text))))  # one line: it is copied into shells
        del self.commands[:-500]
        self.on_command()

    def made(self, event: RunCreated) -> None:
        """A run was started here: Watch opens it when it is seen next."""
        self.to_open = event.run
        self.told[event.run] = RunInfo(
            run=event.run, name=event.name, experiment=event.experiment, state="created", created=now(), vm=event.vm
        )

    def reached(self, step: str) -> None:
        """An operation of the step reached the VM: what other steps say of a lost connection is over."""
        self.link.reached()
        self.on_reached(step)

    def runs_then(self) -> str:
        """What becomes of runs on the VM when this program quits."""
        return "the demo's VM ends then, its runs too" if self.vm_ends else "runs on the VM go on"

    def line(self, *words: str) -> str:
        """The command line that does the same, quoted for a shell."""
        return equal_command(self.services.site, *words)
