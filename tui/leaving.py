"""Quitting: what goes on is named first, and what quitting means for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import TrainshedApp


def ask(app: TrainshedApp) -> None:
    """Quits at once where nothing goes on that changes something, and no run."""
    session, doing = app.session, app.wizard.changing()
    if not session.run_going and not doing:
        app.exit()
        return
    from .screens.dialogues import Confirmation

    if any(isinstance(screen, Confirmation) and screen.about == "quit" for screen in app.screen_stack):
        return
    back = session.line("logs", session.run, "--follow")
    if not session.run_going:
        text, yes, message = "", "Quit, and stop it", None
    elif session.vm_ends:
        text = f"This embedded site ends with the program, and {session.run} with it.\nA run on a real VM goes on."
        yes, message = "Quit, and end the run", None
    else:
        text = f"{session.run} goes on on {session.vm}: quitting stops nothing there.\nCome back with {back}"
        yes, message = "Quit, the run goes on", f"The run goes on. Come back with: {back}"
    if doing:
        text = f"{doing} is not done yet, and ends here. What is on {session.vm or 'the VM'} stays there.\n{text}"

    def answered(agreed: bool | None) -> None:
        if agreed:
            app.exit(message=message)

    app.push_screen(Confirmation("Quit trainshed?", text, yes=yes, no="Stay", about="quit"), answered)
