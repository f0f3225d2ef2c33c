"""6 Model: register, package, deploy, invoke; each with its result and its retry."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from core import events
from core.services import Events
from tui import words
from tui.widgets.fields import Field, Row
from tui.widgets.press import Press

from .pane import StepPane
from .work import Task

STAGES = ("register", "package", "deploy", "invoke")
DOES = {
    "register": "Register",
    "package": "Package",
    "deploy": "Deploy",
    "invoke": "Ask",
}
WAITS = {
    "register": "the run's model, its version, where it came from",
    "package": "a folder that serves: model, server, requirements",
    "deploy": "served in a sandbox without the data",
    "invoke": "the record stays on the VM, the answer comes back",
}


MADE_FROM = (("run", "trainshed.run"), ("data", "trainshed.data"), ("code", "trainshed.code"))


@dataclass
class Stage:
    state: str = "todo"
    result: str = ""


class ModelPane(StepPane):
    STEP = "model"

    def body(self) -> ComposeResult:
        with VerticalScroll(id="stages", can_focus=False):
            for stage in STAGES:
                with Vertical(id=f"stage-{stage}", classes="stage"):
                    yield Press(DOES[stage], id=f"do-{stage}")
                    yield Static(id=f"said-{stage}", classes="said")
                    if stage == "register":
                        yield Row("Name", Field(id="name", placeholder="optional: the name that the run logged"))
                        yield Row("Tags", Field(id="tags", placeholder="optional: team=ward-7 stage=trial"))
                    if stage == "invoke":
                        yield Row("Row", Field(str(self.session.row), id="row", type="integer"))

    def on_mount(self) -> None:
        self.stages = {stage: Stage() for stage in STAGES}
        self.run = ""  # the run that the stages are about
        self.model = self.version = self.service = ""
        self._before = Stage()  # what the stage that is going was
        self._tell_empty()
        self._draw()

    def _tell_empty(self) -> None:
        if self.session.run:
            self.status.say(f"Press Enter to register the model of {words.short(self.session.run)}.")
        else:
            opens, launches = self.key("wizard.watch", "5"), self.key("wizard.launch", "4")
            self.status.say(f"No run is open yet: {opens} opens one, {launches} launches one.")

    def shown(self) -> None:
        """Another run has stages of its own: what was said of the one before goes."""
        if self.session.run == self.run or self.going:
            return
        if self.run:
            self._outdate()
        self.run = self.session.run
        self.stages = {stage: Stage() for stage in STAGES}
        self.model = self.version = self.service = ""
        self.leave_panel()
        self.panel.clear()
        self._tell_empty()
        self._draw()
        self.relabel()

    noted = shown

    def _outdate(self) -> None:
        """What the rail says is of the run before."""
        journey = self.session.journey
        journey.withdraw(self.STEP)
        if journey.states[self.STEP] == "done":
            other = words.short(self.session.run)
            journey.mark(self.STEP, "another run", f"{other} is another run than the one that it was done for")

    @property
    def _next(self) -> str:
        """The first stage that is not done; the last one can be asked again and again."""
        for stage in STAGES:
            if self.stages[stage].state != "done":
                return stage
        return "invoke"

    def primary(self) -> tuple[str, Callable[[], object]]:
        if not self.is_mounted:
            return "Register", self.register
        stage = self._next
        label = f"Ask for row {self.value('row') or '…'}" if stage == "invoke" else DOES[stage]
        return label, getattr(self, stage)

    def cli(self) -> str:
        return self._line(self._next)

    def _line(self, stage: str) -> str:
        model = f"{self.model or 'MODEL'}:{self.version or 'VERSION'}"
        name = ["--name", self.value("name")] if self.value("name") else []
        tags = [word for tag in self.value("tags").split() for word in ("--tag", tag)]
        words_of = {
            "register": ("models", "register", self.run or self.session.run or "@latest", *name, *tags),
            "package": ("models", "package", model),
            "deploy": ("deploy", model),
            "invoke": ("invoke", self.service or "SERVICE", "--row", self.value("row")),
        }
        return self.session.line(*words_of[stage])

    def _do(self, stage: str, title: str, begin: Callable[[], Events]) -> None:
        def done() -> tuple[str, str]:
            return self._stage_done(stage)

        retry = getattr(self, stage)
        changes = stage != "invoke"
        self.operate(Task(title, self._line(stage), begin, done, retry=retry, changes=changes, part=stage))

    def started(self) -> None:
        if self.doing is not None:
            self._before = self.stages[self.doing.part]
            self._mark(self.doing.part, Stage("going"))

    def failed(self) -> None:
        if self.doing is not None:
            self._mark(self.doing.part, Stage("failed"))

    def forgiven(self) -> None:
        for stage, found in self.stages.items():
            if found.state == "failed":
                self._mark(stage, Stage())

    def stopped(self) -> None:
        if self.doing is not None:
            self._mark(self.doing.part, self._before)

    def _mark(self, stage: str, now: Stage) -> None:
        self.stages[stage] = now
        self._draw()

    def _ready(self, stage: str) -> bool:
        missing = next(
            (before for before in STAGES[: STAGES.index(stage)] if self.stages[before].state != "done"), None
        )
        if missing is not None:
            self.say(f"{DOES[missing]} comes first")
        return missing is None

    def register(self) -> None:
        self.shown()
        run = self.run
        if not run:
            self.say("No run is open: 5 opens one")
            return
        if not self.right("tags"):
            return
        tags = self._tags()
        models, name = self.session.services.models, self.value("name") or None
        self._do("register", "Registering the model", lambda: models.register(run, name=name, tags=tags or None))

    def _tags(self) -> dict[str, str]:
        """Raises ValueError."""
        return dict(_pair(tag) for tag in shlex.split(self.value("tags")))

    def wrong(self, id: str) -> str:
        if id == "row":
            return "" if self.value("row").isdigit() else "Give the number of a row, such as 17"
        try:
            self._tags()
        except ValueError as error:
            return str(error)
        return ""

    def package(self) -> None:
        if self._ready("package"):
            models, model = self.session.services.models, f"{self.model}:{self.version}"
            self._do("package", f"Packaging {model}", lambda: models.package(model))

    def deploy(self) -> None:
        if self._ready("deploy"):
            deploy, model = self.session.services.deploy, f"{self.model}:{self.version}"
            self._do("deploy", f"Starting {model} on {self.session.vm}", lambda: deploy.start(model))

    def invoke(self) -> None:
        if not self._ready("invoke") or not self.right("row"):
            return
        row, service, deploy = int(self.value("row")), self.service, self.session.services.deploy
        self._do("invoke", f"Asking {service} for row {row}", lambda: deploy.invoke(service, row=row))

    def receive(self, event: events.Event) -> None:
        match event:
            case events.ModelRegistered():
                self.model, self.version = event.model, event.version
                again = " (it was registered before)" if event.existed else ""
                self._result("register", f"{event.model} version {event.version}{again}{_from(event.tags)}")
            case events.ModelPackaged():
                what = f"{words.plural(len(event.files), 'file')}, {words.size(event.bytes)}"
                self._result("package", f"{event.path} · {what} · sha256 {event.digest[:12]}")
            case events.ServiceChanged(info=info):
                self.service = info.service
                self._result("deploy", f"{info.service} is {info.state} · {info.address} {info.reason}".rstrip())
            case events.Predicted():
                self._result("invoke", _answer(event))
            case events.Notice():
                self.say(event.text)
            case _:
                pass

    def _result(self, stage: str, text: str) -> None:
        self.stages[stage].result = text

    def _stage_done(self, stage: str) -> tuple[str, str]:
        self.stages[stage].state = "done"
        for later in STAGES[STAGES.index(stage) + 1 :]:
            if self.stages[later].state == "done":
                self.stages[later].state = "stale"
        self._draw()
        self.query_one(f"#stage-{stage}").scroll_visible(animate=False)
        if self._holds_focus(stage):
            self.query_one("#primary").focus()
        if stage != "invoke":
            self.session.journey.stop(self.STEP)
            return "pass", f"{DOES[stage]}: done in {words.duration(self.status.elapsed)}. Enter goes on."
        self.session.journey.finish(self.STEP, f"{self.run} {self.version}", f"version {self.version}")
        return "pass", "Done: trained, registered, served and asked, all on the VM."

    def _holds_focus(self, stage: str) -> bool:
        focused = self.screen.focused
        return focused is None or focused.id in ("primary", "retry", f"do-{stage}")

    def on_input_changed(self, event: Input.Changed) -> None:  # noqa: ARG002
        self.relabel()  # the button names the row

    def on_button_pressed(self, event: Button.Pressed) -> None:
        stage = (event.button.id or "").removeprefix("do-")
        if stage in STAGES:
            event.stop()
            getattr(self, stage)()

    def _draw(self) -> None:
        for stage, found in self.stages.items():
            mark = words.STEP[found.state]
            text = found.result if found.result and found.state != "going" else WAITS[stage]
            style = "" if found.result else "$muted"
            self.query_one(f"#said-{stage}", Static).update(
                Content.assemble((f"{mark!s:<8} ", mark.style), (text, style))
            )


def _from(tags: Mapping[str, str]) -> str:
    """Where a version came from, and the tags somebody gave it; the long ones by their beginning."""
    made = [f" · {what} {tags[key][:13]}" for what, key in MADE_FROM if key in tags]
    given = [f" · {key}={value}" for key, value in tags.items() if not key.startswith("trainshed.")]
    return "".join(made + given)


def _pair(tag: str) -> tuple[str, str]:
    name, equals, value = tag.partition("=")
    if not name or not equals:
        raise ValueError(f"{tag[:40]!r} is not NAME=VALUE, such as team=ward-7")
    return name, value


def _answer(event: events.Predicted) -> str:
    took = words.duration(event.duration_s)
    if event.correct is None:
        return f"row {event.row}: {event.prediction} · there is no label to compare · {took}"
    said = "✓ it matches the label" if event.correct else f"✗ the label is {event.expected}"
    return f"row {event.row}: {event.prediction} · {said} · {took}"
