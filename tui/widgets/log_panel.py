"""A log with all that one does with it: follow, search, filter, fold, mark, copy, save, go to a line or a time.

Whoever shows one gives it text (`append`, `show`) and asks `escape` first when Escape was pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from core import kept
from core.site import paths
from tui import clipboard, untrusted, words
from tui.preferences.schema import Log

from . import log_save, log_times
from .log_finder import Finder
from .log_match import Matcher, Unsearchable
from .log_prompt import ASKS, LogPrompt
from .log_store import LogStore
from .log_view import LogView

TYPING_S = 0.03  # after the last key of a burst
COPIED_MOST = 4_000_000  # bytes: more is for a file
KEYS = [
    Binding("space", "follow", "Pause/follow", key_display="space", id="log.follow"),
    Binding("slash", "ask('search')", "Search", key_display="/", id="log.search"),
    Binding("ampersand", "ask('filter')", "Filter", key_display="&", id="log.filter"),
    Binding("n", "hit(1)", "Next hit", id="log.next_hit"),
    Binding("N,shift+n", "hit(-1)", "Hit before", show=False, key_display="N", id="log.hit_before"),
    Binding("w", "wrap", "Fold long lines", show=False, id="log.wrap"),
    Binding("i", "gutter", "Time of each line", show=False, id="log.times"),
    Binding("T,shift+t,colon", "ask('go')", "Go to a line or a time", show=False, id="log.go_to"),
    Binding("v", "mark", "Mark lines", show=False, id="log.mark"),
    Binding("y", "copy_marked", "Copy the marked lines", show=False, id="log.copy_marked"),
    Binding("Y,shift+y", "copy_visible", "Copy the visible lines", show=False, key_display="Y", id="log.copy_visible"),
    Binding("s", "ask('save')", "Save the log", show=False, id="log.save"),
]
WHY_NOT = {
    "hit": "Nothing is searched: / searches, and then n and N go from hit to hit.",
    "copy_marked": "No line is marked: v marks lines.",
    "regex": "This is for a search or a filter while you type it: / or & begins one.",
}


def around() -> list[Binding]:
    """The same keys for a pane that has the panel, under the same ids: its `action_log` hands them on."""
    return [replace(key, action=f'log("{key.action}")') for key in KEYS]


class LogPanel(Vertical):
    BINDINGS: ClassVar[list[BindingType]] = [
        *KEYS,
        Binding("ctrl+r", "regex", "Text or regular expression", id="log.regex"),
    ]

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
        self.regex = False
        self._typing: tuple[str, str] | None = None  # what was typed and not looked for yet
        self._told = False  # the title says that all was looked at
        self._origin: tuple[tuple[int, int], bool] = ((0, 0), True)  # place and following when somebody began to type

    def compose(self) -> ComposeResult:
        yield LogView(self._store, id="log")
        prompt = LogPrompt(id="log-prompt")
        prompt.display = False
        yield prompt

    def on_mount(self) -> None:
        self.finder = Finder(self.view, self.say)
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
        self.prompt.display = False
        self.view.show(store)
        self.view.follow = self._look.follow
        self._show_times()

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
        view = self.view
        parts = [self.title, self._counted(), self._how(), self.finder.place()]
        when = view.times.of(view.top[0]) if view.times and not view.follow else None
        parts.append(words.clock(when) if when is not None else "")
        view.border_title = untrusted.plain(" · ".join(part for part in parts if part)).replace("[", "\\[")

    def _counted(self) -> str:
        store, filtered = self.view.store, self.finder.filtered
        more = "+" if store.counted < store.size else ""
        every = f"{len(store):,}{more} line{'' if len(store) == 1 and not more else 's'}"
        if filtered is None:
            return every
        return f"{len(filtered):,}{'+' if filtered.scan.waits else ''} of {every} have {filtered.matcher.wanted[:20]!r}"

    def _how(self) -> str:
        view = self.view
        if view.marked is not None:
            return "marking: y copies"
        if view.follow:
            return "following"
        return f"paused · {view.unread:,} new, G follows" if view.unread else "paused"

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """`n` and `y` mean something else elsewhere, until there is a hit or a mark."""
        if not self.is_mounted:
            return True
        if action == "hit":
            return self.searching
        if action == "copy_marked":
            return self.view.marked is not None
        if action == "regex":
            return self.prompt.display and ASKS[self.prompt.asks].finds
        return True

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

    def action_ask(self, asks: str) -> None:
        if asks == "save" and self.read_only:
            self.say("Read-only: nothing is written on this machine")
            return
        self._origin = (self.view.top, self.view.follow)
        filtered = self.finder.filtered
        texts = {"save": self._save_name(), "filter": filtered.matcher.wanted if filtered else ""}
        self.prompt.ask(asks, texts.get(asks, ""), regex=self.regex)

    def action_regex(self) -> None:
        self.regex = not self.regex
        self.prompt.tell(regex=self.regex)
        self._typed(self.prompt.asks, self.prompt.field.value)

    def on_log_prompt_toggled(self) -> None:
        self.action_regex()

    # What is typed.

    def on_log_prompt_typed(self, event: LogPrompt.Typed) -> None:
        event.stop()
        if not self.prompt.display:
            return
        if not event.entered:
            self._typing = event.asks, event.text
            self.set_timer(TYPING_S, self._typed_so_far)
        elif self._entered(event.asks, event.text.strip() if event.asks in ("go", "save") else event.text):
            self._close()

    def _typed_so_far(self) -> None:
        """Once for a burst of keys."""
        if self._typing is not None and self.prompt.display:
            self._typed(*self._typing)
        self._typing = None

    def _typed(self, asks: str, text: str) -> None:
        """Searches and filters while somebody types."""
        if not ASKS[asks].finds:
            self.prompt.say("")
            return
        matcher = self._matcher(text)
        if matcher is None and text:
            return
        if asks == "search":
            self._search(matcher)
        else:
            self._filter(matcher)
        self._go_on()
        self._tell()

    def _matcher(self, text: str) -> Matcher | None:
        """None for nothing, and for what cannot be looked for: then it is said why, and the text stays."""
        self.prompt.say("")
        try:
            return Matcher(text, regex=self.regex) if text else None
        except Unsearchable as error:
            self.prompt.say(str(error))
            return None

    def _search(self, matcher: Matcher | None) -> None:
        if matcher is None:
            self.finder.end_search()
            self.view.restore(*self._origin)
        elif self.finder.search is None or self.finder.search.matcher != matcher:
            self.finder.begin(matcher, self.view.lines.near(self._origin[0][0]))

    def _filter(self, matcher: Matcher | None) -> None:
        filtered = self.finder.filtered
        if matcher is None:
            if filtered is not None:
                self.finder.end_filter()
        elif filtered is None or filtered.matcher != matcher:
            self.finder.filter(matcher, self._origin[0])

    def _entered(self, asks: str, text: str) -> bool:
        """Whether what was typed is done with."""
        if asks == "go":
            return not text or self._went(text)
        if asks == "save":
            if text:
                self.run_worker(self._save(paths.expanded(text)), group="log-save", exclusive=True)
            return True
        self._typing = None
        self._typed(asks, text)
        if text and self._matcher(text) is None:
            return False
        if text and asks == "search":
            self.finder.accept()
        return True

    def _close(self) -> None:
        self.screen.set_focus(self.view)  # before what has the focus goes: nothing else may take it
        if self.prompt.display:
            self.prompt.display = False
        else:
            self.refresh_bindings()
        self._tell()

    def escape(self) -> bool:
        """Closes what is open, one thing at a time; False where nothing is."""
        if self.prompt.display:
            if self.prompt.asks == "search":
                self.finder.end_search()
                self.view.restore(*self._origin)
            elif self.prompt.asks == "filter":
                self._filter(None)
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

    # Going to a place.

    def _went(self, text: str) -> bool:
        why = self._go_to(text)
        self.prompt.say(why)
        return not why

    def _go_to(self, text: str) -> str:
        """Why not; empty where it went there."""
        view = self.view
        number, share = log_times.line_number(text), log_times.share(text)
        if number is not None:
            if view.store.counted < view.store.size and number >= len(view.store):
                return f"only {len(view.store):,} lines are counted so far"
            view.go_to(view.store.at_number(number))
            return ""
        if share is not None:
            view.go_to(view.store.at_share(share))
            return ""
        if not view.times:
            return f"this log has no times: {self._no_times}"
        when = view.times.meant(text)
        if when is None:
            return "a line such as 1234, 50%, a time such as 14:03, 14:03:20, 2026-11-26 14:03, or -10m"
        view.go_to(view.store.start_of(view.times.offset(when)))
        return ""

    # Copying and saving.

    def action_mark(self) -> None:
        if self.view.marked is not None:
            self.view.unmark()
        elif self.view.mark_lines():
            self.say("j and k mark more lines, y copies them, Escape ends it")
        else:
            self.say("There is no line to mark yet")
        self.refresh_bindings()

    def action_copy_marked(self) -> None:
        lines = self.view.marked_lines()
        self.view.unmark()
        self.refresh_bindings()
        self.run_worker(self._copy(lines), group="log-copy", exclusive=True)

    def action_copy_visible(self) -> None:
        lines = self.view.visible_lines()
        if lines:
            self.run_worker(self._copy(lines), group="log-copy", exclusive=True)
        else:
            self.say("There is no line to copy yet")

    async def _copy(self, lines: list[int]) -> None:
        text, size = "", 0
        async for piece in log_save.pieces(self.view.store, lines):
            text, size = text + piece, size + len(piece)
            if size > COPIED_MOST:
                self.say(f"More than {words.size(COPIED_MOST)}: too much for a clipboard. s saves the log in a file")
                return
        said = f"{await clipboard.copy(self.app, text.removesuffix(chr(10)))}: {words.plural(len(lines), 'line')}"
        if len(text.encode()) > clipboard.MOST and self._keeps is not None:
            said += f". Many terminals take less than that, so it is in {self._keeps(text)} too"
        self.say(said)

    def _save_name(self) -> str:
        name = Path(self._saves_as())
        return f"{name.stem}.filtered{name.suffix}" if self.finder.filtered else str(name)

    async def _save(self, path: Path, *, replace: bool = False) -> None:
        filtered = self.finder.filtered
        lines = None if filtered is None else list(filtered)
        try:
            size = await log_save.save(self.view.store, lines, path, replace=replace)
        except FileExistsError:
            self._ask_to_replace(path)
        except OSError as error:
            self.say(f"Not saved in {path}: {error.strerror or error}")
        else:
            kept.remember("log", path)
            what = "the log" if lines is None else words.plural(len(lines), "line")
            self.say(f"Saved {what} in {path.absolute()}: {words.size(size)}, for you alone (0600)")

    def _ask_to_replace(self, path: Path) -> None:
        from tui.screens.dialogues import Confirmation

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._save(path, replace=True), group="log-save", exclusive=True)
            else:
                self.say("Nothing was saved")

        text = f"{path.absolute()}\nWhat it holds now is lost then."
        self.app.push_screen(Confirmation("Replace this file?", text, yes="Replace it", no="Keep it"), answered)
