"""What is staged on the fake VM, and what evicting or purging it does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from core import errors, events
from core.services import Events

from .part import Part
from .script import DIGEST, NOON, RUN

DAY_S = 86_400.0
HELD = events.DataHolder(kind="run", name=RUN, state="running", owner="ana@ward-pc")
VERSIONS = (
    events.StagedData(digest=DIGEST, path="samples/", paths=["samples/"], files=2, bytes=124_103, staged=NOON,
                      listing="3b" * 32, alone=124_103, used=NOON + 60, held=[HELD]),
    events.StagedData(digest="51d0a7" + "7e" * 29, path="patients/2026-10/", paths=["patients/2026-10/"], files=18_204,
                      bytes=8_412_774_031, staged=NOON - DAY_S, listing="a1" * 32, alone=96_240_118,
                      used=NOON - DAY_S / 2),
    events.StagedData(digest="0c44e9" + "b2" * 29, path="patients/2026-10/", files=18_190, bytes=8_316_533_913,
                      paths=["archive/october/", "patients/2026-10/"], staged=NOON - 31 * DAY_S, listing="c7" * 32,
                      alone=1_204_551, used=NOON - 31 * DAY_S),
)  # fmt: skip
PARTIAL = events.PartialData(
    name=".tmp-5a5a5a5a5a5a5a5a-0123456789abcdef", path="scans/", bytes=412_000_000, since=NOON - 3 * DAY_S, going=False
)
RECEIPT = "purge-20261123T120000Z-0badcafe"


class FakeStore(Part):
    """For FakeData. What goes is noted in the scenario's `evicted`."""

    def here(self) -> list[events.StagedData]:
        return [each for each in VERSIONS if each.digest not in self.scenario.evicted]

    def partial(self) -> list[events.PartialData]:
        return [] if PARTIAL.name in self.scenario.evicted else [PARTIAL]

    async def list(self) -> Events:
        self.need_vm()
        await self.reach("list")
        yield events.DataListed(items=self.here(), partial=self.partial(), foreign=1, disk_free=91_268_055_040)

    async def evict(
        self,
        targets: Sequence[str] = (),
        *,
        unused_for_s: float | None = None,
        keep: int | None = None,
        agreed: Sequence[str] | None = None,
        dry: bool = False,
    ) -> Events:
        self.need_vm()
        yield events.Phase(step="data", title="Evicting data")
        await self.reach("evict")
        found = self._chosen(targets, unused_for_s, keep, agreed)
        if dry:
            yield found
            return
        self._remove(found)
        yield events.DataEvicted(versions=found.versions, partial=found.partial, stay=found.stay, bytes=found.bytes)

    async def purge(
        self,
        targets: Sequence[str] = (),
        *,
        names: bool = False,
        agreed: Sequence[str] | None = None,
        dry: bool = False,
    ) -> Events:
        self.need_vm()
        yield events.Phase(step="data", title="Purging data for good")
        await self.reach("purge")
        found = self._chosen(targets, None, None, agreed)
        if dry:
            yield events.DataChosen(
                purge=True, versions=found.versions, partial=found.partial, stay=found.stay, bytes=found.bytes
            )
            return
        self._remove(found)
        yield events.DataPurged(
            versions=found.versions,
            partial=found.partial,
            stay=found.stay,
            bytes=found.bytes,
            receipt=receipt(found, targets, names=names),
            kept=f"/home/ana/.local/state/trainshed/sites/ward-7/receipts/{RECEIPT}.json",
        )

    async def receipts(self, *, vm: bool = False) -> Events:
        path = "" if vm else f"/home/ana/.local/state/trainshed/sites/ward-7/receipts/{RECEIPT}.json"
        yield events.ReceiptsListed(
            receipts=[
                events.ReceiptInfo(
                    receipt=RECEIPT, began="2026-11-23T12:00:00Z", ended="2026-11-23T12:00:09Z", by="ana@ward-pc",
                    asked=["patients/2026-10/"], versions=2, files=36_394, bytes=16_729_307_944, remained=1,
                    intact=True, kept=path,
                )
            ]
        )  # fmt: skip

    def _chosen(
        self, targets: Sequence[str], unused_for_s: float | None, keep: int | None, agreed: Sequence[str] | None
    ) -> events.DataChosen:
        meant = [each for each in self.here() if not targets or _is_meant(each, targets)]
        partial = [each for each in self.partial() if not targets or _is_meant(each, targets)]
        if targets and not meant and not partial:
            raise errors.UsageError(f"nothing is staged of {targets[0]!r}", hint="trainshed data list")
        if unused_for_s is not None:
            meant = [each for each in meant if (each.used or 0) <= NOON - unused_for_s]
        if keep is not None:
            newest = {each.path: each.digest for each in reversed(self.here())} if keep else {}
            meant = [each for each in meant if each.digest not in newest.values()]
        if agreed is not None:
            meant = [each for each in meant if each.digest in agreed or each.held]
            partial = [each for each in partial if each.name in agreed]
        stay = [
            events.DataStays(what="version", name=each.digest, path=each.path, why=f"run {RUN} (running) needs it",
                             do=f"trainshed cancel {RUN}")
            for each in meant if each.held
        ]  # fmt: skip
        go = [each for each in meant if not each.held]
        freed = sum(each.alone or 0 for each in go) + sum(each.bytes for each in partial)
        return events.DataChosen(purge=False, versions=go, partial=partial, stay=stay, bytes=freed)

    def _remove(self, found: events.DataChosen) -> None:
        self.scenario.evicted |= {each.digest for each in found.versions} | {each.name for each in found.partial}


def _is_meant(each: events.StagedData | events.PartialData, targets: Sequence[str]) -> bool:
    name = each.digest if isinstance(each, events.StagedData) else each.name
    return any(name.startswith(target) or (each.path or "").startswith(target) for target in targets)


def receipt(found: events.DataChosen, targets: Sequence[str], *, names: bool) -> dict[str, object]:
    """Sealed, as the agent does it."""
    whole: dict[str, object] = {
        "schema": 1, "receipt": RECEIPT, "site": "ward-7", "vm": "stackvm", "host": "stackvm", "by": "ana@ward-pc",
        "account": "azureuser (uid 1000)", "client_time": "2026-11-23T12:00:00Z", "began": "2026-11-23T12:00:00Z",
        "ended": "2026-11-23T12:00:09Z", "asked": [*targets] or ["everything"], "names": names,
        "versions": [{"digest": each.digest, "files": each.files, "bytes": each.bytes} for each in found.versions],
        "partial": [{"name": each.name} for each in found.partial], "freed_bytes": found.bytes,
        "remained": [
            {"what": "run", "name": "01JDEMA00000A5K9X3T6W1RBCD", "path": "",
             "do": "trainshed runs delete 01JDEMA00000A5K9X3T6W1RBCD", "why": "it read the data"},
        ],
        "how": "The files were unlinked. Blocks of the disk are not overwritten.",
    }  # fmt: skip
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return {**whole, "sha256": hashlib.sha256(text.encode()).hexdigest()}
