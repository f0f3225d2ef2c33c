"""What somebody types to search a log or to filter it: looked for with each key, and undone by Escape."""

from __future__ import annotations

from .log_finder import Finder
from .log_match import Matcher, Unsearchable
from .log_prompt import ASKS, LogPrompt
from .log_rows import Place
from .log_view import LogView


class Typing:
    """`regex`: a regular expression is typed. `open`: the prompt is there."""

    def __init__(self, view: LogView, finder: Finder, prompt: LogPrompt) -> None:
        self._view, self._finder, self._prompt = view, finder, prompt
        self.regex = False
        self._waiting: tuple[str, str] | None = None  # typed and not looked for yet
        self._origin: tuple[Place, bool] = ((0, 0), True)  # place and following when somebody began to type

    @property
    def open(self) -> bool:
        return bool(self._prompt.display)

    @property
    def finds(self) -> bool:
        """Whether what is typed now is looked for."""
        return self.open and ASKS[self._prompt.asks].finds

    def begin(self, asks: str, text: str) -> None:
        self._origin = (self._view.top, self._view.follow)
        self._prompt.ask(asks, text, regex=self.regex)
        self._view.cover(1)

    def close(self) -> None:
        self._prompt.display = False
        self._view.cover(0)

    def toggle(self) -> None:
        self.regex = not self.regex
        self._prompt.tell(regex=self.regex)
        self.look(self._prompt.asks, self._prompt.field.value)

    def later(self, asks: str, text: str) -> None:
        """One look for a burst of keys: `look_now` is called soon."""
        self._waiting = asks, text

    def look_now(self) -> bool:
        """Whether something was looked for."""
        waiting, self._waiting = self._waiting, None
        return waiting is not None and self.open and self.look(*waiting)

    def look(self, asks: str, text: str) -> bool:
        if not ASKS[asks].finds:
            self._prompt.say("")
            return False
        matcher = self._matcher(text)
        if matcher is None and text:
            return False
        if asks == "search":
            self._search(matcher)
        else:
            self._filter(matcher)
        return True

    def entered(self, asks: str, text: str) -> bool:
        """Whether what was typed is done with."""
        self._waiting = None
        self.look(asks, text)
        if text and self._matcher(text) is None:
            return False
        if text and asks == "search":
            self._finder.accept()
        return True

    def undo(self) -> None:
        """Escape: as if nothing had been typed."""
        if self._prompt.asks == "search":
            self._search(None)
        elif self._prompt.asks == "filter":
            self._filter(None)

    def _matcher(self, text: str) -> Matcher | None:
        """None for nothing, and for what cannot be looked for: then it is said why, and the text stays."""
        self._prompt.say("")
        try:
            return Matcher(text, regex=self.regex) if text else None
        except Unsearchable as error:
            self._prompt.say(str(error))
            return None

    def _search(self, matcher: Matcher | None) -> None:
        if matcher is None:
            self._finder.end_search()
            self._view.restore(*self._origin)
        elif self._finder.search is None or self._finder.search.matcher != matcher:
            self._finder.begin(matcher, self._view.lines.near(self._origin[0][0]))

    def _filter(self, matcher: Matcher | None) -> None:
        filtered = self._finder.filtered
        if matcher is None:
            if filtered is not None:
                self._finder.end_filter()
        elif filtered is None or filtered.matcher != matcher:
            self._finder.filter(matcher, self._origin[0])
