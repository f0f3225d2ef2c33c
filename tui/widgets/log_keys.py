"""The keys of a log, and why one of them does nothing now."""

from __future__ import annotations

from dataclasses import replace

from textual.binding import Binding

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
REGEX = Binding("ctrl+r", "regex", "Text or regular expression", id="log.regex")
WHY_NOT = {
    "hit": "Nothing is searched: / searches, and then n and N go from hit to hit.",
    "copy_marked": "No line is marked: v marks lines.",
    "regex": "This is for a search or a filter while you type it: / or & begins one.",
}


def around() -> list[Binding]:
    """The same keys for a pane that has the panel, under the same ids: its `action_log` hands them on."""
    return [replace(key, action=f'log("{key.action}")') for key in KEYS]
