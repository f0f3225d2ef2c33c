"""What can be done to runs from their list: cancel, delete, start again. Each names the runs first, and what cannot be
taken back has to be typed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.worker import Worker

from core import events
from core.errors import TrainshedError
from core.runs import owner
from core.services import Events
from tui import run_list, untrusted, words
from tui.run_list import RunList
from tui.session import Session
from tui.text import printable
from tui.widgets.run_table import RunTable

from .dialogues import Confirmation, Dialogue, TypedConfirmation
from .place import AskingPlace
from .work import heard

NAMED = 6  # runs that a question names; of the others it says how many


class RunActs(AskingPlace[str]):
    """For RunLook, which looks again after each of them."""

    REPORT = "runs"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.runs = RunList(me=owner.me())
        self.worker: Worker[None] | None = None
        self.again: Callable[[], object] | None = None  # what Retry does
        self.doing = ""  # the equal command line of what is or was done last

    @property
    def table(self) -> RunTable:
        return self.query_one(RunTable)

    def look(self) -> None:
        """Asks the VM for its runs."""
        raise NotImplementedError

    # Which runs are meant.

    def meant(self) -> list[events.RunInfo]:
        """The marked ones, else the one under the cursor."""
        chosen = self.table.marked or ([self.table.here] if self.table.here else [])
        return [self.runs.rows[run].info for run in chosen]

    def another(self, info: events.RunInfo) -> str:
        """Whose it is, where it is another person's."""
        return info.owner if info.owner and info.owner != self.runs.me else ""

    def may(self, what: str, infos: list[events.RunInfo], wrong: list[events.RunInfo], why: str) -> bool:
        """Whether `what` can be asked of them; else it is said why not."""
        others = {self.another(info) for info in infos} - {""}
        if self.session.read_only:
            self.say(f"Read-only: no run is {what}. Start without --read-only to do it.")
        elif not infos:
            self.say(f"No run is {what}: there is none here")
        elif wrong:
            self.say(f"{words.short(wrong[0].run)} {why}" + (f", and {len(wrong) - 1} more" if wrong[1:] else ""))
        elif self.worker is not None and self.worker.is_running:
            self.say("Still going. Escape stops it.")
        elif others and len(infos) > 1:
            self.say(f"Some of them are of {printable(', '.join(sorted(others)))}: those go one by one")
        else:
            return True
        return False

    # Asking.

    def ask(self, title: str, infos: list[events.RunInfo], more: str, yes: str, *, typed: bool) -> Dialogue[bool]:
        """`typed`: what cannot be undone. Another person's run takes their name, several take their number."""
        shown = [
            f"{words.short(info.run)}  {words.RUN[info.state]}  {printable(info.name)}" for info in infos[:NAMED]
        ] + ([f"and {len(infos) - NAMED} more"] if infos[NAMED:] else [])
        text = "\n".join([*shown, "", f"On {self.session.vm}: {more}"])
        whose = self.another(infos[0])
        if whose:
            text = f"It is {printable(whose)}'s run, not yours.\n\n{text}"
        if not (typed or whose or len(infos) > 1):
            return Confirmation(title, text, yes=yes, no="Leave it")
        wanted = printable(whose) or (str(len(infos)) if infos[1:] else words.short(infos[0].run))
        return TypedConfirmation(title, text, wanted, yes=yes)

    def action_cancel_runs(self) -> None:
        infos = self.meant()
        ended = [info for info in infos if not run_list.going(info)]
        if not self.may("cancelled", infos, ended, "has ended already"):
            return
        title = "Cancel this run?" if len(infos) == 1 else f"Cancel these {len(infos)} runs?"
        yes = f"Cancel {words.short(infos[0].run)}" if len(infos) == 1 else f"Cancel {len(infos)} runs"
        more = "what was logged so far is kept; a run that was cancelled cannot be taken up again."
        question = self.ask(title, infos, more, yes, typed=False)
        self._put(question, partial(self._cancel, [info.run for info in infos], bool(self.another(infos[0]))))

    def _cancel(self, runs: list[str], force: bool) -> None:
        services, flag = self.session.services.runs, ["--force"] if force else []
        lines = [self.session.line("cancel", run, *flag) for run in runs]
        begin: list[Callable[[], Events]] = [partial(services.cancel, run, force=force) for run in runs]
        self.do(f"Cancelling {words.plural(len(runs), 'run')}", lines, begin, f"{words.plural(len(runs), 'run')} ended")

    def action_delete_runs(self) -> None:
        infos = self.meant()
        going = [info for info in infos if run_list.going(info)]
        if not self.may("deleted", infos, going, "has not ended: x cancels it"):
            return
        title = "Delete this run for good?" if len(infos) == 1 else f"Delete these {len(infos)} runs for good?"
        models = sorted({name for info in infos for name in info.models})
        lost = "Their models go with them, and cannot be packaged any more:"
        gone = f" {lost} {printable(', '.join(models))}." if models else ""
        more = f"log, outputs and all go; what is recorded, registered or packaged stays.{gone}"
        yes = f"Delete {words.short(infos[0].run)}" if len(infos) == 1 else f"Delete {len(infos)} runs"
        question = self.ask(title, infos, more, yes, typed=True)
        self._put(question, partial(self._delete, [info.run for info in infos], bool(self.another(infos[0]))))

    def _delete(self, runs: list[str], force: bool) -> None:
        runs = [run for run in runs if run in self.runs.rows]  # after an error some may have gone
        if not runs:
            self.panel.clear()
            self.say("Nothing is left to delete")
            return
        line = self.session.line("runs", "delete", *runs, *(["--force"] if force else []))
        begin = partial(self.session.services.runs.delete, runs, force=force)
        many = words.plural(len(runs), "run")
        self.do(f"Deleting {many}", [line], [begin], f"{many} deleted")
        self.again = partial(self._delete, runs, force)

    def action_rerun(self) -> None:
        row = self.table.current
        if not self.may("started again", [] if row is None else [row.info], [], ""):
            return
        assert row is not None
        info = row.shown
        text = (
            f"{words.short(info.run)}  {words.RUN[info.state]}  {printable(info.name)}\n\n"
            "A new run from its own code, data and environment. Other values: "
            f"{self.session.line('rerun', info.run)} --set inputs.NAME=VALUE"
        )
        question = Confirmation("Start this run again?", text, yes="Start again", no="Leave it")
        self._put(question, partial(self._rerun, info.run))

    def _rerun(self, run: str) -> None:
        begin = partial(self.session.services.runs.rerun, run)
        self.do(f"Starting {words.short(run)} again", [self.session.line("rerun", run)], [begin], "Started")

    def _put(self, question: Dialogue[bool], do: Callable[[], None]) -> None:
        self.app.push_screen(question, lambda yes: do() if yes else None)

    # Doing.

    def do(self, title: str, lines: list[str], begin: list[Callable[[], Events]], ended: str) -> None:
        """One operation after the other. `lines`: the equal command lines."""
        self.again = partial(self.do, title, lines, begin, ended)
        self.doing = lines[0]
        for line in lines:
            self.session.ran("cli", line)
        self.worker = self.run_worker(self._do_all(title, begin, ended), name=title, group="acts")

    async def _do_all(self, title: str, begin: list[Callable[[], Events]], ended: str) -> None:
        self.panel.clear()
        self.status.display = True
        self.status.start(title)
        over, created = False, ""
        try:
            for operation in begin:
                async with heard(self.session, operation()) as stream:
                    async for event in stream:
                        created = self._take(untrusted.event(event)) or created
            over = True
            self.status.end("✓", ended, "$text-success")
        except TrainshedError as error:
            over = True
            self.status.end("✗", f"{title}: failed", "$text-error")
            self.panel.tell(error)
        finally:
            if not over and self.is_attached:
                self.status.end("–", f"{title}: stopped", "$muted")
        if created:
            self.dismiss(created)
        elif self.is_attached:
            self.look()

    def _take(self, event: events.Event) -> str:
        """The run that was made, if it was."""
        match event:
            case events.Phase():
                self.status.phase(event.title)
            case events.Progress():
                self.status.move(event)
            case events.Notice(level="warning"):
                self.say(event.text)
            case events.RunCreated():
                return event.run
            case _:
                pass
        return ""

    def stop(self) -> bool:
        """Stops what is going; False where nothing is."""
        if self.worker is None or not self.worker.is_running:
            return False
        self.worker.cancel()
        return True

    # The error that is shown.

    def retry(self) -> None:
        (self.again or self.look)()

    def asked(self) -> str:
        return self.doing
