"""Real storage for tests: an Azurite over HTTPS for the whole session. The strict front before it is in front.py."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote

from core.demo import azurite

NEWEST = "2019-07-07"
Described = dict[str, Any]


@contextmanager
def running(folder: Path) -> Iterator[azurite.Storage]:
    """One Azurite in memory; ends with the block, by its own pid."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(words: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with (folder / "azurite.log").open("ab") as log:
            process = subprocess.Popen(
                words, env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        started.append(process)
        return process

    def end(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    try:
        yield azurite.start(folder, begin, end)
    finally:
        for process in started:
            end(process)


def put_many(described: Described, files: Mapping[str, bytes]) -> None:
    """As `core.data.upload`, into a container that exists, several times as fast: for thousands of blobs."""
    from core.agent import blob, blob_connection, blob_signature

    source = blob.Source(**{**described, "api_version": NEWEST})
    assert source.key is not None
    connection = blob_connection.Connection(source)
    for name, content in files.items():
        path = f"/{source.container}/{quote(name)}"
        headers = {"x-ms-version": NEWEST, "x-ms-date": formatdate(usegmt=True), "x-ms-blob-type": "BlockBlob"}
        headers["Content-Length"] = str(len(content))
        headers["Authorization"] = blob_signature.signature(source.key, source.account, "PUT", path, {}, headers)
        connection.request("PUT", path, content, headers)
        response = connection.getresponse()
        assert response.status == 201, response.read()
        response.read()
    connection.close()
