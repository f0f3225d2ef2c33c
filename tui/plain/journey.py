"""The journey itself: where somebody is, what can be done there, and the way to the other steps."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from functools import partial

from core.errors import UsageError

from ..journeys import Keeper
from ..session import Session
from ..settings import Settings
from ..steps import ORDER, STEPS
from ..words import STEP
from .check import PlainCheck
from .connect import PlainConnect
from .data import PlainData
from .launch import PlainLaunch
from .model import PlainModel
from .prompts import Choice, Ended, chosen, shaped
from .step import PlainStep
from .talk import Talk
from .watch import PlainWatch

PARTS: tuple[type[PlainStep], ...] = (PlainConnect, PlainCheck, PlainData, PlainLaunch, PlainWatch, PlainModel)
KEYS = (
    "Answer a question with a number, a word or its beginning. Enter takes what stands in brackets.",
    "The name of a step leads there from every step: connect, check, data, launch, watch, model.",
    "Ctrl-C stops what is going and asks again; no run on the VM ends by that. At a question it leaves.",
    "Nothing that you typed is lost by an error, or by going back.",
)


class Journey:
    def __init__(self, settings: Settings, session: Session) -> None:
        """Raises UsageError where nothing can be asked."""
        if settings.json or settings.no_input:
            option = "--json" if settings.json else "--no-input"
            raise UsageError(f"the plain journey asks questions: it does not go with {option}")
        settings.plain = True
        self.talk = Talk(settings, session)
        self.session = session
        self.steps = [part(self.talk) for part in PARTS]
        self.at = 0
        self.left = False
        self._explain = True
        self._keeper = Keeper(session)

    async def walk(self) -> int:
        """Until somebody leaves, or the input ends. Raises Interrupted for Ctrl-C at a question."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread: a test
            loop.add_signal_handler(signal.SIGINT, self.talk.interrupt)
        where = f"site {self.session.site}, VM {self.session.vm}" if self.session.site else "no site yet"
        self.talk.say(f"trainshed, {where}{', read-only' if self.session.read_only else ''}.", *KEYS)
        self._tell(self._keeper.load())
        self.session.journey.on_change = lambda: self._tell(self._keeper.save())
        try:
            await self._enter(0)
            while not self.left:
                await self._turn()
        except Ended:
            self.talk.say("", "The input has ended.")
            self._farewell()
        finally:
            await self.session.services.close()
        return 0

    def _tell(self, problem: str) -> None:
        """Of what is kept of the steps from one session to the next."""
        if problem:
            self.talk.say(f"{problem}.")

    @property
    def here(self) -> PlainStep:
        return self.steps[self.at]

    async def _enter(self, at: int) -> None:
        self.at, self._explain, self.talk.failure = at, True, None
        await self.here.entered()
        self.talk.say("", f"{self._place()} {self.here.step.does}")

    def _place(self) -> str:
        return f"Step {self.at + 1} of {len(STEPS)}: {self.here.step.title}. It is {self._state(self.at)}."

    def _state(self, at: int) -> str:
        """As the rail of the wizard has it, with why it is so."""
        journey, name, step = self.session.journey, ORDER[at], self.steps[at]
        told = journey.told(name).rstrip(".")
        if told:
            return told[0].lower() + told[1:]
        found = step.found or journey.notes[name]
        return STEP[journey.states[name]].word + (f" ({found})" if found else "")

    async def _turn(self) -> None:
        choices = self._choices()
        words = [one.word for one in choices]
        usual = "again" if self.talk.failure is not None else self.here.usual
        at, explain, self._explain = self.at, self._explain, False
        at_first = words.index(usual) if usual else 0
        one = await self.talk.prompts.choose(choices, at_first, explain=explain, others=self._steps())
        await one.do()
        if not self.left and at == self.at and one.word not in ("help", "steps"):
            self.talk.say("", self._place())

    def _choices(self) -> list[Choice]:
        step = self.here
        found = step.choices()
        if self.at > 0:
            found.append(Choice("back", f"Go back to {STEPS[self.at - 1].title}", self._back))
        if self.at + 1 < len(STEPS):
            found.append(Choice("next", f"Go on to {STEPS[self.at + 1].title}", self._next))
        found += [
            Choice("steps", "Hear all steps, and go to one", self._any),
            Choice("help", "What can be done here", self._help),
            Choice("quit", f"Leave; {self.session.runs_then()}", self._quit),
        ]
        if step.again is not None:  # last: the numbers of the others stay
            found.append(Choice("again", "Do the last thing once more", step.repeat))
        if self.talk.failure is not None:
            found.append(Choice("report", "Hear a report of the error without secrets, and save it", self._report))
        return found

    async def _report(self) -> None:
        words = self.here.again.line if self.here.again is not None else ()
        await self.talk.report(self.here.STEP, self.session.line(*words))

    async def _back(self) -> None:
        await self._enter(self.at - 1)

    async def _next(self) -> None:
        await self._enter(self.at + 1)

    async def _any(self) -> None:
        for at, step in enumerate(STEPS, 1):
            self.talk.say(f"  {at} {step.title}: {self._state(at - 1)}")
        answer = await self.talk.prompts.line(shaped("Which step? Its number or name", self._steps()[self.at].word))
        one = chosen(answer.lower().removeprefix("step "), self._steps())
        if one is not None:
            await one.do()
        elif answer:
            self.talk.say(f"There is no step {answer[:40]!r}.")

    def _steps(self) -> list[Choice]:
        return [Choice(step.id, step.title, partial(self._enter, at)) for at, step in enumerate(STEPS)]

    async def _help(self) -> None:
        self.talk.say(self.here.step.does, *KEYS)
        self._explain = True

    async def _quit(self) -> None:
        if self.session.label == "demo" and self.session.run_going:
            question = f"This embedded site ends with the program, and run {self.session.run} with it. Quit?"
            if not await self.talk.prompts.sure(question):
                return
        self.left = True
        self._farewell()

    def _farewell(self) -> None:
        advice = self.talk.advice()
        self.talk.say(f"Goodbye. {advice[:1].upper()}{advice[1:]}." if advice else "Goodbye.")
