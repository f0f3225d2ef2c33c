"""Lines of a log in the clipboard, or in a file of this machine."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path

from core import kept
from tui import clipboard, words

from . import log_save
from .log_view import LogView

COPIED_MOST = 4_000_000  # bytes: more is for a file


class Copies:
    """`say` tells what came of it."""

    def __init__(
        self,
        view: LogView,
        say: Callable[[str], object],
        *,
        saves_as: Callable[[], str],
        keeps: Callable[[str], Path] | None,
    ) -> None:
        """`saves_as`: a file's name; `keeps`: writes what many terminals do not take somewhere and says where."""
        self._view, self._say, self._saves_as, self._keeps = view, say, saves_as, keeps

    def _begin(self, group: str, work: Coroutine[object, object, None]) -> None:
        self._view.run_worker(work, group=group, exclusive=True)

    def copy(self, lines: list[int], no_lines: str = "") -> None:
        """`no_lines`: what to say where there are none."""
        if lines:
            self._begin("log-copy", self._copy(lines))
        elif no_lines:
            self._say(no_lines)

    async def _copy(self, lines: list[int]) -> None:
        text, size = "", 0
        async for piece in log_save.pieces(self._view.store, lines):
            text, size = text + piece, size + len(piece)
            if size > COPIED_MOST:
                self._say(f"More than {words.size(COPIED_MOST)}: too much for a clipboard. s saves the log in a file")
                return
        said = f"{await clipboard.copy(self._view.app, text.removesuffix(chr(10)))}: {words.plural(len(lines), 'line')}"
        if len(text.encode()) > clipboard.MOST and self._keeps is not None:
            said += f". Many terminals take less than that, so it is in {self._keeps(text)} too"
        self._say(said)

    @property
    def name(self) -> str:
        """Offered for the file."""
        name = Path(self._saves_as())
        return f"{name.stem}.filtered{name.suffix}" if self._view.filtered is not None else str(name)

    def save(self, path: Path, *, replace: bool = False) -> None:
        """All of the log, or what the filter leaves. A file that is there is asked for."""
        self._begin("log-save", self._save(path, replace=replace))

    async def _save(self, path: Path, *, replace: bool) -> None:
        filtered = self._view.filtered
        lines = None if filtered is None else list(filtered)
        try:
            size = await log_save.save(self._view.store, lines, path, replace=replace)
        except FileExistsError:
            self._ask_to_replace(path)
        except OSError as error:
            self._say(f"Not saved in {path}: {error.strerror or error}")
        else:
            kept.remember("log", path)
            what = "the log" if lines is None else words.plural(len(lines), "line")
            self._say(f"Saved {what} in {path.absolute()}: {words.size(size)}, for you alone (0600)")

    def _ask_to_replace(self, path: Path) -> None:
        from tui.screens.dialogues import Confirmation

        def answered(yes: bool | None) -> None:
            if yes:
                self.save(path, replace=True)
            else:
                self._say("Nothing was saved")

        text = f"{path.absolute()}\nWhat it holds now is lost then."
        question = Confirmation("Replace this file?", text, yes="Replace it", no="Keep it")
        self._view.app.push_screen(question, answered)
