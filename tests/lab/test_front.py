"""The front itself, spoken to by Azure's own client: what it refuses, and what it does wrong on demand."""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.data.upload import _transport

from . import front_faults
from .front import StrictFront
from .front_faults import Faults
from .made_up import BLOCK, Blob, Container, given, many

TEN = given("b.txt", b"0123456789")
BIG = Blob("a/big ümläut+%.bin", 3 * BLOCK + 11)


@pytest.fixture
def made_up(home: Path) -> Iterator[StrictFront]:
    found = StrictFront(folder=home, containers={"made": Container([BIG, TEN, *many(7)])})
    yield found
    found.stop()


def client(front: StrictFront, credential: str = "", version: str = "2019-07-07", **more: Any) -> Any:
    from azure.storage.blob import ContainerClient

    described = front.described("made")
    return ContainerClient(
        described["endpoint"],
        "made",
        credential=credential or {"account_name": "trainshed", "account_key": described["credential"]},
        api_version=version,
        transport=_transport(described),
        retry_total=0,
        **more,
    )


def refused(reader: Any) -> tuple[int, str]:
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError) as found:
        list(reader.list_blobs())
    response: Any = found.value.response
    return response.status_code, response.headers["x-ms-error-code"]


def test_azures_own_client_reads_what_is_made_up(made_up: StrictFront) -> None:
    for credential in ("", made_up.sas("made")):
        reader = client(made_up, credential)
        listed = {blob.name: blob for blob in reader.list_blobs(results_per_page=3)}
        assert list(listed) == made_up.containers["made"].names
        assert listed[BIG.name].size == BIG.size and f'"{listed[BIG.name].etag}"' == BIG.etag
        whole = b"".join(BIG.read())
        read = reader.download_blob(BIG.name, max_concurrency=2, validate_content=True).readall()
        assert read == whole and len({whole[at : at + 16] for at in range(0, BIG.size, BLOCK)}) == 4
        part = reader.download_blob(BIG.name, offset=BLOCK - 5, length=10).readall()
        assert part == whole[BLOCK - 5 : BLOCK + 5]


def test_it_refuses_what_stack_hub_refuses(made_up: StrictFront) -> None:
    assert refused(client(made_up, version="2020-10-02")) == (400, "InvalidHeaderValue")
    new = made_up.sas("made", sv="2020-10-02")
    assert refused(client(made_up, new)) == (403, "AuthenticationFailed")
    assert refused(client(made_up, made_up.sas("made", seconds=-5))) == (403, "AuthenticationFailed")
    assert refused(client(made_up, made_up.sas("made")[:-9] + "AAAAAA%3D"))[0] == 403
    assert refused(client(made_up, made_up.sas("made", "r"))) == (403, "AuthorizationPermissionMismatch")
    made_up.faults.clock_s = 3600
    assert refused(client(made_up)) == (403, "AuthenticationFailed")
    made_up.faults.clock_s = 0
    made_up.faults.expires_after = 1
    reader = client(made_up)
    assert list(reader.list_blobs())
    assert refused(reader) == (403, "AuthenticationFailed")
    assert next(iter(client(made_up, made_up.sas("made")).list_blobs())).name == BIG.name


def whole(front: StrictFront, range_: str = "") -> tuple[int, int, bool, bytes | None]:
    """(status, Content-Length, is the MD5 that of the blob, the body or None where it broke off)."""
    from core.agent import blob

    source = blob.Client(blob.Source(**{**front.described("made"), "api_version": "2019-07-07"}))
    first, _, last = range_.partition("-")
    response = source.blob("b.txt", int(first or 0), int(last) if last else None)
    md5 = response.headers.get("Content-MD5") or response.headers["x-ms-blob-content-md5"]
    length = int(response.headers["Content-Length"])
    try:
        body = response.read()
    except (OSError, http.client.HTTPException):
        body = None
    finally:
        source.close()
    return response.status, length, md5 == TEN.content_md5, body


WRONG = {
    "cut": (200, 10, True, None),
    "reset": (200, 10, True, None),
    "truncate": (200, 10, True, None),
    "shorten": (200, 5, True, b"01234"),
    "corrupt": (200, 10, True, b"0123446789"),
    "wrong_md5": (200, 10, False, TEN.content),
    "too_long": (200, 1010, True, b"0123456789" + bytes(1000)),
    "spill": (200, 10, True, TEN.content),
}


def test_a_body_is_wrong_as_often_as_it_is_asked_for(made_up: StrictFront) -> None:
    right = (200, 10, True, TEN.content)
    for fault, seen in WRONG.items():
        made_up.faults = Faults(**{fault: 1}, every=2)  # type: ignore[arg-type]
        assert [whole(made_up) for _ in range(3)] == [right, seen, right], fault
    made_up.faults = Faults(whole=1, cut_after=[3])
    assert whole(made_up, "2-3") == (*right[:3], None)
    assert whole(made_up, "2-4") == (206, 3, True, b"234")  # not longer than the cut
    assert [entry.sent for entry in made_up.faults.log] == [3, 3]


def test_a_listing_lies(made_up: StrictFront) -> None:
    from azure.core.exceptions import AzureError

    made_up.faults.listing = front_faults.sizes(5)
    assert {blob.size for blob in client(made_up).list_blobs()} == {BIG.size + 5, 15, 4101}
    made_up.faults.listing = front_faults.twice
    assert len(list(client(made_up).list_blobs())) == 18
    made_up.faults.listing = front_faults.endless
    assert len(list(itertools.islice(client(made_up).list_blobs(), 50))) == 50
    made_up.faults.listing = front_faults.torn
    with pytest.raises(AzureError):
        list(client(made_up).list_blobs())
