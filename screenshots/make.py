"""SVG and PNG of every screen at 120×40 and 80×24, made by driving the app headless over a replayed journey.

`python screenshots/make.py [OUT] [--journal FILE] [--states]`. PNGs are drawn by resvg with DejaVu Sans Mono (system
package fonts-dejavu-core).
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.demo import RECORDED  # noqa: E402
from core.journal import replayed  # noqa: E402
from core.services import Services  # noqa: E402
from tests.fakes.script import Scenario  # noqa: E402
from tui.app import TrainshedApp  # noqa: E402

SIZES = ((120, 40), (80, 24))
FONTS = Path("/usr/share/fonts/truetype/dejavu")
FONT = "DejaVu Sans Mono"
App = TrainshedApp
Walk = Callable[["Walker"], Awaitable[None]]


class Walker:
    """One app, walked by keys; `shot` keeps what it shows."""

    def __init__(self, app: TrainshedApp, pilot: Pilot[object], out: Path, size: tuple[int, int]) -> None:
        self.app, self.pilot, self.out, self.size = app, pilot, out, size

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def settled(self) -> None:
        """Until nothing is going in the pane, and timers have drawn."""
        quiet = 0
        for _ in range(600):
            await self.pilot.pause(0.05)
            if not self.app.wizard.pane.going:
                quiet += 1
            if quiet > 4:
                break
        await self.pilot.pause(0.4)

    async def shot(self, name: str) -> None:
        self.app.clear_notifications()
        await self.pilot.pause(0.1)
        self.app.screen.set_focus(self.app.screen.focused)
        width, height = self.size
        keep(self.app.export_screenshot(title="trainshed"), self.out / f"{name}-{width}x{height}")


def keep(svg: str, path: Path) -> None:
    """Writes PATH.svg and PATH.png."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # they point at a network
    svg = re.sub(r"Fira Code[^;\"]*", FONT, svg)
    path.with_suffix(".svg").write_text(svg, encoding="utf-8")
    import resvg_py

    png = resvg_py.svg_to_bytes(
        svg_string=svg,
        font_files=[str(FONTS / name) for name in ("DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf", "DejaVuSans.ttf")],
        monospace_family=FONT,
        font_family=FONT,
        skip_system_fonts=True,
    )
    path.with_suffix(".png").write_bytes(bytes(png))


async def journey(walk: Walker) -> None:
    """The whole way, a picture of every step."""
    await walk.shot("start")
    await walk.press("enter")
    await walk.settled()
    if walk.app.screen is not walk.app.wizard:  # the host key was unknown when the journey was recorded
        await walk.shot("host-key")
        await walk.press(*"yes", "enter")
        await walk.settled()
    await walk.shot("connect")
    for step, name in (("2", "check"), ("3", "data")):
        await walk.press(step, "enter")
        await walk.settled()
        if step == "3":
            await walk.press("enter")
            await walk.settled()
        await walk.shot(name)
    await walk.press("4", "enter")
    await walk.settled()
    await walk.shot("launch-plan")
    await walk.press("enter")
    await walk.settled()
    await walk.shot("launch")
    await walk.press("5")
    await walk.settled()
    await walk.shot("watch")
    await walk.press("6")
    for _ in range(4):
        await walk.press("enter")
        await walk.settled()
    await walk.shot("model")
    await walk.press("c")
    await walk.shot("commands")
    await walk.press("c", "question_mark")
    await walk.shot("help")
    await walk.press("escape", "comma")
    await walk.settled()
    await walk.shot("settings")


async def searching(walk: Walker) -> None:
    await walk.press("5", "enter")
    await walk.settled()
    await walk.press("slash", *"gradient", "enter")
    await walk.settled()
    await walk.shot("watch-search")


async def one_shot(walk: Walker, keys: list[str], name: str) -> None:
    for key in keys:
        await walk.press(key)
        await walk.settled()
    await walk.shot(name)


STATES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "host-key-unknown": ({"host_key": "unknown"}, ["enter"]),
    "host-key-changed": ({"host_key": "changed"}, ["enter"]),
    "passphrase": ({"passphrase": "x"}, ["enter"]),
    "unreachable": ({"unreachable": True}, ["enter", "d"]),
    "broken": ({"broken_link": "data.tls"}, ["3", "enter"]),
    "failed": ({"run_fails": True}, ["5", "enter"]),
    "empty": ({"no_runs": True}, ["5", "enter"]),
}


async def run(services: Services, walk: Walk, out: Path, size: tuple[int, int], theme: str, label: str) -> None:
    app = TrainshedApp(services, label=label, job=Path("job.yml"), theme=theme)
    async with app.run_test(size=size) as pilot:
        await app.wizard.complete.wait()
        await walk(Walker(app, pilot, out, size))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "screenshots")
    parser.add_argument("--journal", type=Path, default=RECORDED)
    parser.add_argument(
        "--states", action="store_true", help="also what goes wrong, over the fake services of the tests"
    )
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        played = partial(replayed, asked.journal, speed=0)
        await run(played(), journey, asked.out, size, "trainshed-dark", "replay")
        if asked.states:
            await _states(asked.out, size)


async def _states(out: Path, size: tuple[int, int]) -> None:
    from tests.fakes.services import fake_services

    await run(fake_services(), searching, out, size, "trainshed-light", "")
    for name, (fields, keys) in STATES.items():
        services = fake_services(Scenario(**fields))
        await run(services, partial(one_shot, keys=keys, name=name), out, size, "trainshed-dark", "")


if __name__ == "__main__":
    asyncio.run(main())
