"""Every way the journey can go wrong: told where it happened, and tried again with what was typed."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.widgets import Input

from core import live
from core.errors import ConnectError
from core.services import Events
from core.site.secrets import Secret
from tests.fakes import script
from tests.fakes.runs import FakeRuns
from tests.fakes.script import FINGERPRINT, OTHER, RUN, Scenario
from tests.fakes.services import FakeConnection
from tui.app import TrainshedApp
from tui.screens.dialogues import Confirmation, HostKeyQuestion, SecretQuestion
from tui.steps import ORDER
from tui.widgets.links import LinkPath

from .walk import Walk, make_app, walking

SECRET = "correct horse"


async def test_an_unknown_host_key_is_trusted_only_by_the_whole_word() -> None:
    async with walking(Scenario(host_key="unknown")) as walk:
        await walk.press("enter")
        assert isinstance(walk.app.screen, HostKeyQuestion)
        assert FINGERPRINT in walk.screen_text()
        assert "[ED25519 256]" in walk.screen_text()
        await walk.press("y", "enter")
        assert isinstance(walk.app.screen, HostKeyQuestion)
        await walk.press("e", "s", "enter")
        assert walk.app.session.connected is not None
        assert walk.app.session.connected.trusted_by == "you"


async def test_a_pasted_fingerprint_that_differs_is_not_trusted() -> None:
    async with walking(Scenario(host_key="unknown")) as walk:
        await walk.press("enter")
        walk.app.screen.query_one("#answer", Input).value = OTHER
        await walk.press("enter")
        assert "That is another key" in walk.text("#said")


async def test_enter_alone_never_trusts_and_escape_says_what_happened() -> None:
    async with walking(Scenario(host_key="unknown")) as walk:
        await walk.press("enter", "enter", "escape")
        assert walk.app.session.connected is None
        assert walk.state == "failed"
        assert "has not been seen before" in walk.text("#connect #error-text")


async def test_a_changed_host_key_shows_both_values_and_no_way_around() -> None:
    async with walking(Scenario(host_key="changed")) as walk:
        await walk.press("enter")
        said = walk.screen_text()
        assert FINGERPRINT in said
        assert OTHER in said
        assert "accept" not in said.lower()
        assert "trust" not in said.lower()
        await walk.press("r")
        assert walk.app.session.connected is None


async def test_a_fingerprint_given_out_of_band_is_compared() -> None:
    async with walking() as walk:
        walk.pane.query_one("#fingerprint", Input).value = OTHER
        await walk.press("enter")
        assert walk.state == "failed"
        assert "the fingerprint you gave" in walk.screen_text()


@pytest.mark.parametrize("kind", ["passphrase", "password"])
async def test_a_secret_is_asked_for_masked_and_kept_nowhere(kind: str) -> None:
    messages: list[str] = []
    scenario = Scenario(**{kind: SECRET})  # type: ignore[arg-type]
    async with walking(scenario) as walk:
        await walk.press("enter")
        assert isinstance(walk.app.screen, SecretQuestion)
        walk.app.screen.query_one("#secret", Input).value = SECRET
        await walk.pilot.pause()
        assert SECRET not in walk.app.export_screenshot()
        assert SECRET not in walk.screen_text()
        messages.append(repr(walk.app.screen.query_one("#secret")))
        await walk.press("enter")
        assert walk.app.session.connected is not None
        messages += [walk.notices(), repr(walk.app.session), repr(vars(walk.pane)), str(walk.app.session.commands)]
        assert SECRET not in "\n".join(messages)
        assert not _secrets_below(walk.pane)


def _secrets_below(pane: Any) -> list[Secret]:
    found: list[Any] = []
    for value in vars(pane).values():
        found += value.values() if isinstance(value, dict) else [value]
    return [value for value in found if isinstance(value, Secret)]


async def test_a_secret_in_a_message_of_a_library_is_neither_shown_nor_reported() -> None:
    class Talks(FakeConnection):
        async def connect(self, *given: Any, passphrase: Secret | None = None, **more: Any) -> Any:
            async for event in super().connect(*given, passphrase=passphrase, **more):
                yield event
                if passphrase is not None:
                    raise ConnectError(f"no key in {passphrase.reveal()}", hint=passphrase.reveal(), seen=SECRET)

    scenario = Scenario(passphrase=SECRET)
    async with walking(scenario) as walk:
        walk.app.session.services = replace(walk.app.session.services, connection=Talks(scenario))
        await walk.press("enter")
        walk.app.screen.query_one("#secret", Input).value = SECRET
        await walk.press("enter", "d", "y")
        assert "no key in ***" in walk.screen_text() and "no key in ***" in walk.app.clipboard
        assert SECRET not in walk.screen_text() + walk.app.clipboard + walk.notices()


async def test_nor_where_something_else_than_a_step_asks_the_vm() -> None:
    class Talks(FakeRuns):
        async def list(self) -> Events:
            await self.reach("list")
            held = Secret(SECRET)
            raise ConnectError(f"the proxy has {held.reveal()}", hint=held.reveal())
            yield  # type: ignore[unreachable]

    scenario = Scenario()
    async with walking(scenario) as walk:
        walk.app.session.services = replace(walk.app.session.services, runs=Talks(scenario))
        for keys in (("o",), ("escape", "4", "s")):
            await walk.press(*keys)
            assert "the proxy has ***" in walk.screen_text() and SECRET not in walk.screen_text()


async def test_a_wrong_passphrase_is_asked_for_again() -> None:
    async with walking(Scenario(passphrase=SECRET)) as walk:
        await walk.press("enter")
        walk.app.screen.query_one("#secret", Input).value = "wrong"
        await walk.press("enter")
        assert isinstance(walk.app.screen, SecretQuestion)
        assert "does not open the key" in walk.screen_text()


async def test_a_secret_is_in_no_message() -> None:
    seen: list[str] = []
    app = make_app(Scenario(passphrase=SECRET))
    async with app.run_test(size=(80, 24), message_hook=lambda message: seen.append(repr(message))) as pilot:
        walk = Walk(app, pilot)
        await walk.press("enter")
        app.screen.query_one("#secret", Input).value = SECRET
        await walk.press("enter")
        assert app.session.connected is not None
    assert seen
    assert not [text for text in seen if SECRET in text]


async def test_unreachable_keeps_the_address_and_retry_tries_it_again() -> None:
    scenario = Scenario(unreachable=True)
    async with walking(scenario) as walk:
        walk.pane.query_one("#target", Input).value = "azureuser@203.0.113.10"
        await walk.press("enter")
        assert "connection refused" in walk.text("#connect #error-text")
        scenario.unreachable = False
        await walk.press("r")
        connection = walk.app.session.services.connection
        assert isinstance(connection, FakeConnection)
        assert connection.calls == ["azureuser@203.0.113.10"] * 2
        assert walk.state == "done"
        assert not walk.pane.panel.display


async def test_the_report_is_saved_for_its_owner_alone(home: Path) -> None:
    async with walking(Scenario(unreachable=True)) as walk:
        await walk.press("enter", "y")
        path = home / "state" / "sites" / "ward-7" / "reports" / "last-error.txt"
        assert "connection refused" in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "saved in" in walk.notices()
        assert "clipboard" in walk.notices()


async def test_the_first_broken_link_is_named_and_mended_links_go_on() -> None:
    scenario = Scenario(broken_link="data.tls")
    async with walking(scenario) as walk:
        await walk.press("3", "enter")
        assert "TLS: the certificate" in walk.pane_text("#broken")
        assert walk.state == "failed"
        scenario.broken_link = ""
        await walk.press("r")
        assert walk.state == "todo" and "The path holds" in walk.status, "nothing is failed any more"
        await walk.press("enter")
        assert walk.state == "done"
        assert "sha256" in walk.pane_text("#staged")


async def test_the_broken_link_is_told_whole_and_the_others_by_their_keys() -> None:
    for size in ((80, 24), (120, 40)):
        async with walking(Scenario(broken_link="data.tls"), size=size) as walk:
            await walk.press("3", "enter")
            screen = " ".join(walk.screen_text().split())
            assert (
                script.SHA in screen and "→ set data.ca_bundle" in screen and "✗ FAIL TLS" in " ".join(screen.split())
            )
            assert "not tried" in screen or "– API version" in screen
            await walk.press("k")
            assert "✓ PASS TCP: 10.0.0.4 port 443 accepts" in walk.pane_text("#broken")
            await walk.press("j", "j")
            assert "blob service: not tried: the link 'tls' before it" in walk.pane_text("#broken")
            await walk.press(*["j"] * 30)
            assert "from here, blob service: not tried" in walk.pane_text("#broken")
            assert "which is fine" in walk.pane_text("#broken") and "✗ FAIL TLS" in " ".join(walk.screen_text().split())
            links = walk.pane.query_one(LinkPath)
            empty = {"status": "skipped", "evidence": "there is no blob to read", "duration_s": 1e-6}
            links.add(msgspec.structs.replace(links.found.links["data-bytes"], **empty))
            drawn = walk.pane_text("#links")
            assert "0.0 ms" not in drawn and ("there is no blob" in drawn or size == (80, 24))


async def test_findings_stay_where_a_check_does_not_reach_the_vm() -> None:
    scenario = Scenario()
    async with walking(scenario) as walk:
        await walk.press("2", "enter")
        scenario.unreachable = True
        await walk.press("r")
        assert walk.state == "failed" and "Passwords are refused" in walk.screen_text()


async def test_a_path_that_is_lost_in_the_middle_keeps_what_was_seen_before() -> None:
    scenario = Scenario(broken_link="data.disk")
    async with walking(scenario) as walk:
        await walk.press("3", "j", "enter")
        assert "No link was tried yet" in walk.notices()
        scenario.path_lost, scenario.broken_link = True, ""
        await walk.press("r")
        assert walk.state == "failed" and "connection to stackvm was lost" in walk.screen_text()
        assert "✗ FAIL disk" in walk.screen_text() and "✓ login" in walk.screen_text()
        assert "refused by the service" in walk.pane_text("#broken") and "seen before" in walk.pane_text("#broken")
        scenario.path_lost = False
        await walk.press("r")
        assert "✗" not in walk.pane_text("#links") and "◆ the container" in walk.pane_text("#links")
        assert "seen before" not in walk.pane_text("#broken")


async def test_a_failing_build_shows_its_log_and_keeps_the_job() -> None:
    async with walking(Scenario(build_fails=True)) as walk:
        await walk.press("4", "enter", "enter")
        assert "scikit-learn==9.9" in walk.text("#launch #error-text")
        assert walk.pane.value("job") == "demo/train.yml"
        assert walk.pane.query_one("#build").display


async def test_a_job_file_that_is_none_is_told_in_place() -> None:
    async with walking(job=Path("notes.txt")) as walk:
        await walk.press("4", "enter")
        assert "no such job file" in walk.text("#launch #error-text")


@pytest.mark.parametrize("settings", ["lr", "'unclosed", "inputs.lr 3"])
async def test_settings_that_cannot_be_read_are_told(settings: str) -> None:
    async with walking() as walk:
        await walk.press("4")
        walk.pane.query_one("#settings", Input).value = settings
        await walk.press("enter")
        assert walk.pane.query_one("#settings-refused").display
        assert walk.pane.value("settings") == settings
        assert walk.state == "todo"


@pytest.mark.parametrize("step", ["2", "5"])
async def test_without_an_error_editing_does_not_lead_away_from_a_step_without_a_field(step: str) -> None:
    async with walking() as walk:
        await walk.press(step, "enter")
        here = walk.app.wizard.here
        await walk.press("e")
        assert walk.app.wizard.here == here and "has no field. 1 has the address." in walk.notices()


async def test_a_setting_that_is_no_input_is_told_where_it_was_typed() -> None:
    async with walking() as walk:
        await walk.press("4", "enter")
        field = walk.pane.query_one("#settings", Input)
        field.value = "lr=1"  # the name of an input, without inputs.
        await walk.press("enter")
        assert "lr: " in walk.text("#settings-refused") and walk.app.focused is field


@pytest.mark.parametrize(("typed", "said"), [("lr", "'lr' is not NAME=VALUE"), ("inputs.rate=1", "no such input")])
async def test_a_refused_setting_is_told_at_its_field_until_it_is_corrected(typed: str, said: str) -> None:
    async with walking() as walk:
        await walk.press("4")
        field = walk.pane.query_one("#settings", Input)
        field.value = typed
        await walk.press("enter")
        walk.app.clear_notifications()
        await walk.press("escape", "3", "4")
        refused = walk.pane.query_one("#settings-refused")
        assert said in walk.screen_text()
        assert refused.region.y == field.region.bottom
        assert (walk.state, field.value) == ("todo", typed)
        assert not walk.pane.panel.display
        field.value = "inputs.lr=1"
        await walk.press("enter")
        assert not refused.display
        assert "what would run" in walk.status


async def test_a_value_that_is_still_wrong_stays_refused_while_it_is_typed() -> None:
    async with walking() as walk:
        await walk.press("4")
        walk.pane.query_one("#settings", Input).value = "lr"
        await walk.press("enter")
        await walk.type("x")
        assert "'lrx' is not" in walk.text("#settings-refused")
        await walk.type("=1")
        assert not walk.pane.query_one("#settings-refused").display


async def test_a_row_and_tags_that_cannot_be_meant_are_told_at_their_fields() -> None:
    async with walking() as walk:
        await walk.press("5", "enter", "6")
        walk.pane.query_one("#tags", Input).value = "team"
        await walk.press("enter")
        assert "is not NAME=VALUE" in walk.text("#tags-refused")
        walk.pane.query_one("#tags", Input).value = ""
        walk.pane.query_one("#row", Input).value = ""
        await walk.press("escape", *["enter"] * 4)
        assert "number of a row" in walk.text("#row-refused")


async def test_a_failed_run_says_why_and_keeps_its_log() -> None:
    async with walking(Scenario(run_fails=True)) as walk:
        await walk.press("5", "enter")
        assert "exit code 1" in walk.status
        assert walk.state == "failed"
        assert "✗ failed" in walk.pane_text("#run-head")


async def test_no_run_yet_says_the_next_key() -> None:
    async with walking(Scenario(no_runs=True)) as walk:
        await walk.press("5", "enter")
        assert "There is no run yet: 4 launches one" in walk.status
        assert not walk.pane.panel.display


async def test_a_service_that_does_not_start_leaves_the_earlier_stages_done() -> None:
    scenario = Scenario(service_fails=True)
    async with walking(scenario) as walk:
        await walk.press("5", "enter", "6", "enter", "enter", "enter")
        assert "sklearn" in walk.text("#model #error-text")
        assert "✗ failed" in walk.pane_text("#said-deploy")
        assert "✓ done" in walk.pane_text("#said-package")
        scenario.service_fails = False
        await walk.press("r")
        assert "✓ done" in walk.pane_text("#said-deploy")


async def test_cancelling_names_the_run_and_is_safe_by_default() -> None:
    gate, build = asyncio.Event(), asyncio.Event()
    async with walking(Scenario(hold={"half": gate, "build": build})) as walk:
        await walk.pilot.press("4", "enter")
        await walk.settled()
        await walk.pilot.press("enter")
        await walk.until(lambda: walk.state == "going")
        await walk.pilot.press("q")
        await walk.until(lambda: "Launching train.yml is not done yet" in " ".join(walk.screen_text().split()))
        await walk.pilot.press("escape")
        assert walk.state == "going" and not walk.app._exit
        build.set()
        await walk.settled()
        await walk.pilot.press("5")
        for _ in range(50):
            await walk.pilot.pause()
        await walk.pilot.press("x")
        await walk.pilot.pause()
        assert isinstance(walk.app.screen, Confirmation)
        assert "01JDEMO8Z4V7Q2M5K9X3T6W1RB" in walk.screen_text()
        for _ in range(3):  # the focus is on "Let it run"; a second press is on its way when the first one counts
            walk.app.focused.press()  # type: ignore[union-attr]
        await walk.pilot.pause()
        assert len(walk.app.screen_stack) == 1
        assert not walk.app.session.services.runs.cancelled.is_set()  # type: ignore[attr-defined]
        await walk.pilot.press("x", "tab", "enter")
        await walk.pilot.pause()
        gate.set()
        await walk.settled()
        assert "– cancelled" in walk.pane_text("#run-head")


async def test_quitting_while_a_run_goes_on_says_so() -> None:
    gate, build = asyncio.Event(), asyncio.Event()
    async with walking(Scenario(hold={"half": gate, "build": build})) as walk:
        await walk.pilot.press("4", "enter")
        await walk.settled()
        await walk.pilot.press("enter")
        await walk.until(lambda: walk.state == "going")
        await walk.pilot.press("q")
        await walk.until(lambda: "Launching train.yml is not done yet" in " ".join(walk.screen_text().split()))
        await walk.pilot.press("escape")
        assert walk.state == "going" and not walk.app._exit
        build.set()
        await walk.settled()
        await walk.pilot.press("q")
        await walk.pilot.pause()
        assert isinstance(walk.app.screen, Confirmation)
        assert "goes on on stackvm" in walk.screen_text()
        gate.set()


async def test_escape_stops_what_is_going_and_the_step_is_what_it_was() -> None:
    async with walking(Scenario(hold={"login": asyncio.Event()})) as walk:
        await walk.pilot.press("enter")
        for _ in range(5):
            await walk.pilot.pause()
        assert walk.state == "going"
        await walk.pilot.press("escape")
        await walk.pilot.pause()
        assert walk.state == "todo"
        assert "stopped" in walk.status


async def test_read_only_changes_nothing_and_says_so() -> None:
    async with walking(read_only=True) as walk:
        await walk.press("enter", "4", "enter", "enter")
        runs = walk.app.session.services.runs
        assert runs.launches == []  # type: ignore[attr-defined]
        assert "Read-only" in walk.notices()
        assert "READ-ONLY" in walk.screen_text()


async def test_read_only_refuses_a_new_address_before_anything_is_sent(home: Path) -> None:
    app = TrainshedApp(live.open_site(None, read_only=True), read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.type("me@192.0.2.1")
        await walk.press("enter")
        assert "it writes a site file" in walk.screen_text()
    assert not list(home.rglob("*.toml"))


LEAKS = {  # as libraries put them into their messages: what, and what of it may be nowhere
    "url": ("https://x.example/records?sv=1&sig=SECRETSIGNATURE&se=2", "SECRETSIGNATURE"),
    "connection": ("AccountName=a;AccountKey=c2VjcmV0a2V5;EndpointSuffix=x", "c2VjcmV0a2V5"),
    "headers": ("{'Authorization': 'SharedKey a:c2lnbmVk', 'x-ms-date': 'now'}", "c2lnbmVk"),
    "given": ("password='correct horse'", "horse"),
    "key": ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA\n-----END OPENSSH PRIVATE KEY-----", "b3BlbnNzaA"),
}


class Down:
    """Services that all fail in the same way."""

    def __getattr__(self, name: str) -> Any:
        if name == "close":
            raise AttributeError(name)
        return self._fail

    async def _fail(self, *_given: Any, **_more: Any) -> Any:
        facts = {name: text for name, (text, _) in LEAKS.items()}
        error = ConnectError("the VM does not answer", hint=f"is it up? {facts['url']}", **facts)
        if facts:
            raise error
        yield error


@pytest.mark.usefixtures("brisk")
async def test_the_error_of_every_step_offers_retry_edit_and_a_copy_without_secrets(home: Path) -> None:
    async with walking() as walk:
        down: Any = Down()
        session = walk.app.session
        session.services = replace(
            session.services, connection=down, checks=down, data=down, runs=down, models=down, deploy=down
        )
        for number, step in enumerate(ORDER, 1):
            session.run = RUN if step == "model" else ""
            await walk.press(str(number), "enter")
            panel = walk.pane.panel
            assert panel.display and "the VM does not answer" in walk.screen_text(), step
            assert [button.id for button in panel.query("Button").results()] == ["retry", "edit", "copy", "details"]
            tried = len(session.commands)
            await walk.press("r")
            assert len(session.commands) > tried and panel.display, step
            await walk.press("y")
            report = next(home.rglob("last-error.txt")).read_text()
            assert walk.app.clipboard == report
            assert "what: the VM does not answer" in report and f"step: {step}" in report
            assert "tried:" in report and session.commands[-1].text in report
            assert not [leak for _, leak in LEAKS.values() if leak in report] and "sig=***" in report
            await walk.press("e")
            assert isinstance(walk.app.focused, Input), step
            assert walk.app.wizard.here == (step if step not in ("check", "watch") else "connect")
            await walk.press("escape")


@pytest.mark.usefixtures("brisk")
async def test_a_report_that_cannot_be_saved_is_still_copied(home: Path) -> None:
    async with walking(Scenario(unreachable=True)) as walk:
        await walk.press("enter")
        (home / "state").write_text("a file in its place")
        await walk.press("y")
        assert "code: " in walk.app.clipboard
        assert "it could not be saved (" in walk.notices()


@pytest.mark.usefixtures("brisk")
async def test_commands_are_filtered_and_copied_one_by_one_or_all(home: Path) -> None:
    async with walking() as walk:
        await walk.press("enter", "2", "enter", "c", "enter")
        assert walk.app.clipboard == "sshd -T"
        await walk.press("slash", *"ssh-key", "enter", "enter")
        assert walk.app.clipboard == "ssh-keyscan 203.0.113.10"
        await walk.press("Y")
        assert walk.app.clipboard == "ssh-keyscan 203.0.113.10  # on the VM\n"
        saved = next(home.rglob("commands.txt"))
        assert saved.read_text() == walk.app.clipboard
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600
        await walk.press("escape", "Y")
        assert len(walk.app.clipboard.splitlines()) == len(walk.app.session.commands) > 3
        walk.app.session.ran("vm", "curl https://x?sig=SECRETSIGNATURE")
        await walk.settled()
        assert "sig=***" in walk.screen_text()
