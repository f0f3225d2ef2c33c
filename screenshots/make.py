"""SVG and PNG of every screen at 120×40 and 80×24, made by driving the app headless over a replayed journey.

`python screenshots/make.py [OUT] [--journal FILE]`; without a journal that exists, over the fake services of the
tests. PNGs are drawn by resvg with DejaVu Sans Mono (system package fonts-dejavu-core).
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from textual.pilot import Pilot

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.demo import RECORDED  # noqa: E402
from core.services import Services  # noqa: E402
from tests.fakes.script import Scenario  # noqa: E402
from tests.fakes.services import fake_services  # noqa: E402
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


STATES: dict[str, tuple[Scenario, list[str]]] = {
    "host-key-unknown": (Scenario(host_key="unknown"), ["enter"]),
    "host-key-changed": (Scenario(host_key="changed"), ["enter"]),
    "passphrase": (Scenario(passphrase="x"), ["enter"]),  # noqa: S106 - of the fake
    "unreachable": (Scenario(unreachable=True), ["enter", "d"]),
    "broken": (Scenario(broken_link="data.tls"), ["3", "enter"]),
    "failed": (Scenario(run_fails=True), ["5", "enter"]),
    "empty": (Scenario(no_runs=True), ["5", "enter"]),
}


async def run(services: Services, walk: Walk, out: Path, size: tuple[int, int], theme: str) -> None:
    app = TrainshedApp(services, label="demo", job=Path("demo/train.yml"), theme=theme)
    async with app.run_test(size=size) as pilot:
        await walk(Walker(app, pilot, out, size))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "screenshots")
    parser.add_argument("--journal", type=Path, default=RECORDED)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        await run(_journey_services(asked.journal), journey, asked.out, size, "trainshed-dark")
        await run(fake_services(), searching, asked.out, size, "trainshed-light")
        for name, (scenario, keys) in STATES.items():
            await run(
                fake_services(scenario), partial(one_shot, keys=keys, name=name), asked.out, size, "trainshed-dark"
            )


def _journey_services(journal: Path) -> Services:
    if not journal.exists():
        return fake_services()
    from core.journal import replayed

    return replayed(journal, speed=0)


if __name__ == "__main__":
    asyncio.run(main())
