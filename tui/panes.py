"""The pane of each step, imported when it is first shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .session import Session

if TYPE_CHECKING:
    from .screens.pane import StepPane


def pane_of(step: str, session: Session) -> StepPane:
    match step:
        case "connect":
            from .screens.connect import ConnectPane

            return ConnectPane(session)
        case "check":
            from .screens.check import CheckPane

            return CheckPane(session)
        case "data":
            from .screens.data import DataPane

            return DataPane(session)
        case "launch":
            from .screens.launch import LaunchPane

            return LaunchPane(session)
        case "watch":
            from .screens.watch import WatchPane

            return WatchPane(session)
        case _:
            from .screens.model import ModelPane

            return ModelPane(session)
