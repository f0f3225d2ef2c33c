"""Search and filter of a log view: in slices between which everything else goes on, and further while it grows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from .log_match import Matcher, Unsearchable
from .log_rows import Place
from .log_scan import Filtered, Search
from .log_view import LogView

TURN_S = 0.01  # after this much work everything else gets a turn


class Finder:
    """What is searched, what is filtered by, and where the view was before."""

    def __init__(self, view: LogView, say: Callable[[str], object]) -> None:
        """`say`: tells a person why something is not found."""
        self._view, self._say = view, say
        self.search: Search | None = None
        self._to_show = False  # the first hit, as soon as there is one
        self._tell_none = False
        self._before_filter: Place = (0, 0)
        self._placed: Place | None = None  # where the filter has put the view
        self._placing = False  # it has not found enough yet to put it there for good
        self.working = False

    def clear(self) -> None:
        self.search, self._placed = None, None

    @property
    def wanted(self) -> tuple[Matcher | None, Matcher | None]:
        """What is filtered by, and what is searched."""
        filtered, search = self.filtered, self.search
        return None if filtered is None else filtered.matcher, None if search is None else search.matcher

    def want(self, filtered: Matcher | None, searched: Matcher | None) -> None:
        """The same in another log: nothing moves to a hit."""
        if filtered is not None:
            self.filter(filtered, self._view.top)
        if searched is not None:
            self.begin(searched, 0)
            self._to_show = False

    @property
    def filtered(self) -> Filtered | None:
        return self._view.filtered

    # Search.

    def begin(self, matcher: Matcher, near: int) -> None:
        """Goes to the first hit at the line `near` or after it, else round to the first of all."""
        among = self.filtered.matcher if self.filtered else None
        self.search = Search(self._view.store, matcher, near, among)
        self._to_show, self._tell_none = True, False
        self._view.mark_hits(matcher)

    def accept(self) -> None:
        """Enter: from here on it is worth saying that there is no hit."""
        self._tell_none = True
        self._judge()

    def end_search(self) -> None:
        self.search = None
        self._view.mark_hits(None)

    def go(self, step: int) -> None:
        """To the next hit (1) or the one before (-1)."""
        view, search = self._view, self.search
        if search is None:
            return
        here = view.here if view.here >= 0 else view.top[0]
        hit = search.next(here + (step > 0), step)
        if hit is None:
            self._say(f"{search.matcher.wanted!r} is not in the log so far")
        else:
            view.show_hit(hit)

    def place(self) -> str:
        """Which hit of how many: empty while nothing is searched."""
        if self.search is None:
            return ""
        count, here = len(self.search), self._view.here
        more = "+" if self.search.waits else ""
        if here >= 0 and self.search.holds(here):
            return f"hit {self.search.rank(here) + 1:,} of {count:,}{more}"
        return f"{count:,}{more} hits" if count != 1 else "1 hit"

    # Filter.

    def filter(self, matcher: Matcher, place: Place) -> None:
        """`place`: where the view was before the filter."""
        self._before_filter = place
        view = self._view
        view.filter(Filtered(view.store, matcher), place)
        self._placed, self._placing = view.top, True
        self._again()

    def end_filter(self) -> None:
        """Back to the line where the view was; to the line where somebody went since, if they did."""
        view = self._view
        moved = self._placed is None or view.top != self._placed
        view.filter(None, view.top if moved else self._before_filter)
        self._placed = None
        self._again()

    def _again(self) -> None:
        """A search goes on among what is shown now."""
        if self.search is not None:
            matcher, here = self.search.matcher, self._view.here
            among = self.filtered.matcher if self.filtered else None
            self.search = Search(self._view.store, matcher, self.search.near, among)
            self._view.here = here

    # The work.

    @property
    def waits(self) -> bool:
        return (self.search is not None and self.search.waits) or (
            self.filtered is not None and self.filtered.scan.waits
        )

    async def work(self) -> None:
        """Until all of the log was looked at."""
        if self.working:
            return
        self.working = True
        try:
            while self.waits:
                turn = time.monotonic() + TURN_S
                while self.waits and time.monotonic() < turn:
                    self.step()
                await asyncio.sleep(0)
        finally:
            self.working = False

    def step(self) -> None:
        search = self.search
        try:
            if search is not None and search.waits:
                search.step()
                self._judge()
            elif self.filtered is not None:
                self.filtered.scan.step()
                self._put()
        except Unsearchable as error:
            self._say(str(error))
            if search is not None and search.waits:
                self.end_search()
            else:
                self.end_filter()

    def _judge(self) -> None:
        search = self.search
        if search is None:
            return
        if self._to_show and len(search):
            hit = search.next(search.near, 1)
            if hit is not None:
                self._to_show = False
                self._view.show_hit(hit)
        if self._to_show and self._tell_none and not search.waits:
            self._tell_none = False
            self._say(f"{search.matcher.wanted!r} is not in the log so far")

    def _put(self) -> None:
        """The line where the view was, or the next that matches, comes to the top; not if somebody moved meanwhile."""
        view, filtered = self._view, self.filtered
        if not self._placing or filtered is None or view.follow or view.top != self._placed:
            return
        view.replace(self._before_filter)
        self._placed = view.top
        below = len(filtered) - filtered.share(view.top[0])
        self._placing = filtered.scan.waits and below <= view.area.height
