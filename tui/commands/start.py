"""`trainshed` without a command: the full-screen interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..settings import Settings

if TYPE_CHECKING:
    from core.services import Services

    from ..app import TrainshedApp
    from ..background import Ground


def start(settings: Settings) -> int:
    """On the current site; where none is known yet, the welcome that offers the demo."""
    from core.site import files

    plain = settings.plain or settings.dumb
    if not plain:
        require_terminal(settings)
    site = settings.find_site() if settings.site or files.current() or files.names() else None
    return (ask if plain else show)(settings.open(site), settings)


def require_terminal(settings: Settings) -> None:
    """Raises UsageError where no screen can be drawn."""
    if not settings.may_draw:
        from core.errors import UsageError

        raise UsageError(
            "the full-screen interface needs a terminal",
            hint="trainshed --plain asks line by line; trainshed --help lists the commands",
        )


def show(services: Services, settings: Settings, **more: Any) -> int:
    """Runs the app; its exit code. A signal ends it as it ends every command, with the terminal as it was."""
    from .. import background, driver

    with background.asked() as ground:
        app = made(services, settings, ground, **more)
        driver.finish(driver.Job(settings), app.show())
    if app.return_value is not None:  # the welcome's demo
        from core.demo import RECORDED

        from .replay import play

        return play(settings, RECORDED, 1.0)
    return app.return_code or 0


def made(services: Services, settings: Settings, ground: Ground, **more: Any) -> TrainshedApp:
    """The app as a person set it; what is of this site is kept, not what is of a demo or a replay."""
    from ..app import TrainshedApp
    from ..preferences import resolve

    found = resolve(settings.set_by_flags)
    ground.look()
    more.setdefault("keep", not more.get("label"))
    app = TrainshedApp(services, read_only=settings.read_only, settings=found, light=ground.light, **more)
    app.ground = ground
    return app


def ask(services: Services, settings: Settings, **more: Any) -> int:
    """The same journey as lines and questions; the exit code. `more`: fields of the session."""
    import time

    from .. import driver
    from ..plain.journey import Journey
    from ..session import Session

    more.setdefault("keep", not more.get("label"))
    session = Session(services, read_only=settings.read_only, clock=time.monotonic, **more)
    journey = Journey(settings, session)
    return driver.finish(journey.talk.job, journey.walk())
