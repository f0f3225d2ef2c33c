"""A log with all that one does with it: follow, search, filter, fold, mark, copy, save, go to a line or a time.

Whoever shows one gives it text (`append`, `show`) and asks `escape` first when Escape was pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from core.site import paths
from tui import untrusted
from tui.preferences.schema import Log

from . import log_places
from .log_copies import Copies
from .log_finder import Finder
from .log_keys import KEYS, REGEX, WHY_NOT
from .log_prompt import LogPrompt
from .log_store import LogStore
from .log_title import title
from .log_typing import Typing
from .log_view import LogView

TYPING_S = 0.03  # after the last key of a burst


class LogPanel(Vertical):
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS, REGEX]

    def __init__(
        self,
        *,
        id: str,
        title: str = "Log",
        saves_as: Callable[[], str] = lambda: "log.txt",
        keeps: Callable[[str], Path] | None = None,
        no_times: str = "nobody noted when its lines were written",
        read_only: bool = False,
        store: LogStore | None = None,
        look: Log = Log(),  # noqa: B008 - it never changes
    ) -> None:
        """`saves_as`: a file's name; `keeps`: writes a large copy somewhere and says where; `no_times`: why not;
        `look`: as a person has set it.
        """
        super().__init__(id=id)
        self._look = look
        self._timed = look.times  # wanted: a log may have none, or none yet
        self.title, self.read_only = title, read_only
        self._store = store  # what it begins with
        self._saves_as, self._keeps, self._no_times = saves_as, keeps, no_times
        self._told = False  # the title says that all was looked at

    def compose(self) -> ComposeResult:
        prompt = LogPrompt(id="log-prompt")
        prompt.display = False
        yield prompt  # first, so that the log keeps its place in the order of drawing when this comes and goes
        yield LogView(self._store, id="log")

    def on_mount(self) -> None:
        self.finder = Finder(self.view, self.say)
        self.typing = Typing(self.view, self.finder, self.prompt)
        self.copies = Copies(self.view, self.say, saves_as=self._saves_as, keeps=self._keeps)
        self.set_interval(1 / 20, self._go_on)
        self.view.follow = self._look.follow
        if self._look.wrap:
            self.view.set_wrap(True)
        self._tell()

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    @property
    def prompt(self) -> LogPrompt:
        return self.query_one(LogPrompt)

    @property
    def searching(self) -> bool:
        """Whether `n` goes to a hit."""
        return self.is_mounted and self.finder.search is not None

    def say(self, text: str) -> None:
        self.notify(untrusted.plain(text), timeout=4, markup=False)

    # The log.

    def show(self, store: LogStore) -> None:
        """Another log; how it is looked at stays."""
        self.finder.clear()
        self.typing.close()
        self.view.show(store)
        self.view.follow = self._look.follow
        self._show_times()

    def show_anew(self, store: LogStore) -> None:
        """The same log, written anew: it is followed, filtered and searched as before."""
        wanted, follow = self.finder.wanted, self.view.follow
        self.finder.clear()
        self.view.show(store)
        self.view.follow = follow
        self.finder.want(*wanted)

    def prefer(self, look: Log) -> None:
        """A setting has changed: what a key did since stays, unless it is just this. `follow` is for the next log."""
        before, self._look = self._look, look
        if look.wrap != before.wrap:
            self.view.set_wrap(look.wrap)
        if look.times != before.times:
            self._timed = look.times
            self._show_times()

    def _show_times(self) -> None:
        """No room is taken where there are none."""
        timed = self._timed and bool(self.view.times)
        if timed != self.view.timed:
            self.view.set_timed(timed)

    def clear(self) -> None:
        self.show(LogStore())

    def append(self, text: str) -> None:
        self.view.append(text)

    def add_times(self, points: Iterable[tuple[int, float]]) -> None:
        self.view.times.add(points)
        self._show_times()

    def _go_on(self) -> None:
        waits = self.finder.waits
        if waits and not self.finder.working:
            self.run_worker(self.finder.work(), group="log-finder")
        if waits or not self._told:
            self._tell()
        self._told = not waits

    def on_log_lines_moved(self) -> None:
        self._tell()

    def _tell(self) -> None:
        self.view.entitle(title(self.title, self.view, self.finder))

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """`n` and `y` mean something else elsewhere, until there is a hit or a mark."""
        if not self.is_mounted:
            return True
        if action == "hit":
            return self.searching
        if action == "copy_marked":
            return self.view.marked is not None
        return self.typing.finds if action == "regex" else True

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:  # noqa: ARG002
        """Why an action is off now."""
        return WHY_NOT[action]

    def action_follow(self) -> None:
        self.view.follow = not self.view.follow

    def action_wrap(self) -> None:
        self.view.set_wrap(not self.view.wrap)
        self.say("Long lines are folded" if self.view.wrap else "Long lines go on to the right: h and l move there")

    def action_gutter(self) -> None:
        if not self.view.times:
            self.say(f"This log has no times: {self._no_times}")
            return
        self._timed = not self._timed
        self._show_times()

    def action_hit(self, step: int) -> None:
        self.finder.go(step)

    def action_mark(self) -> None:
        if self.view.marked is not None:
            self.view.unmark()
        elif self.view.mark_lines():
            self.say("j and k mark more lines, y copies them, Escape ends it")
        else:
            self.say("There is no line to mark yet")
        self.refresh_bindings()

    # What is typed.

    def action_ask(self, asks: str) -> None:
        if asks == "save" and self.read_only:
            self.say("Read-only: nothing is written on this machine")
            return
        filtered = self.finder.filtered
        texts = {"save": self.copies.name, "filter": filtered.matcher.wanted if filtered else ""}
        self.typing.begin(asks, texts.get(asks, ""))

    def action_regex(self) -> None:
        self.typing.toggle()
        self._looked()

    def on_log_prompt_toggled(self) -> None:
        self.action_regex()

    def on_log_prompt_grown(self, event: LogPrompt.Grown) -> None:
        if self.typing.open:
            self.view.cover(event.rows)

    def on_log_prompt_typed(self, event: LogPrompt.Typed) -> None:
        event.stop()
        if not self.typing.open:
            return
        if not event.entered:
            self.typing.later(event.asks, event.text)
            self.set_timer(TYPING_S, self._typed_so_far)
        elif self._entered(event.asks, event.text):
            self._close()

    def _typed_so_far(self) -> None:
        if self.typing.look_now():
            self._looked()

    def _looked(self) -> None:
        self._go_on()
        self._tell()

    def _entered(self, asks: str, text: str) -> bool:
        """Whether what was typed is done with."""
        text = text.strip() if asks in ("go", "save") else text
        if asks == "go":
            why = log_places.go_to(self.view, text, self._no_times) if text else ""
            self.prompt.say(why)
            return not why
        if asks == "save":
            if text:
                self.copies.save(paths.expanded(text))
            return True
        done = self.typing.entered(asks, text)
        self._looked()
        return done

    def _close(self) -> None:
        self.screen.set_focus(self.view)  # before what has the focus goes: nothing else may take it
        if self.typing.open:
            self.typing.close()
        else:
            self.refresh_bindings()
        self._tell()

    def escape(self) -> bool:
        """Closes what is open, one thing at a time; False where nothing is."""
        if self.typing.open:
            self.typing.undo()
        elif self.view.marked is not None:
            self.view.unmark()
        elif self.searching:
            self.finder.end_search()
        elif self.finder.filtered is not None:
            self.finder.end_filter()
        else:
            return False
        self._close()
        return True

    # Copying.

    def action_copy_marked(self) -> None:
        lines = self.view.marked_lines()
        self.view.unmark()
        self.refresh_bindings()
        self.copies.copy(lines)

    def action_copy_visible(self) -> None:
        self.copies.copy(self.view.visible_lines(), "There is no line to copy yet")
