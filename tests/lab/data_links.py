"""The table of broken links: what is broken, which link says so, with which cause. `python -m tests.lab.data_links`.

test_data_links.py breaks each one and leaves what was said; a real agent follows the path, a front stands for the
storage service.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

KEPT = "trainshed-data-links.json"


class Case(NamedTuple):
    """`cause` and `action` are in what the link says. `goes_on`: what comes after it is really tried."""

    link: str
    cause: str
    action: str
    status: str = "fail"
    goes_on: bool = False


def warns(link: str, cause: str, action: str) -> Case:
    return Case(link, cause, action, "warn", goes_on=True)


CASES: Mapping[str, Case] = {
    "the name is not known": Case("name", "not known on the VM", "set data.address"),
    "nothing listens": Case("tcp", "Connection refused", "does the storage service listen there?"),
    "the port speaks no TLS": Case("tls", "does not speak TLS", "is the endpoint's port that of https?"),
    "no CA of the site is named": Case("tls", "signed by trainshed embedded site root", "set data.ca_bundle to"),
    "the site's CA is an older one": Case("tls", "of that name, with another key", "data.ca_bundle holds another CA"),
    "the bundle is no certificate": Case("tls", "data.ca_bundle: not a certificate", "it begins with -----BEGIN"),
    "the certificate is signed by itself": Case("tls", "signed by itself", "compare the SHA256"),
    "the certificate is for another name": Case("tls", "not for other.blob", "correct the host in data.endpoint"),
    "the certificate has ended": Case("tls", "the certificate ended on", "have the operator renew it"),
    "the CA has ended": Case("tls", "the CA above the certificate has ended", "export the stamp's root"),
    "the certificate has not begun": Case("tls", "is not valid before", "is the clock right?"),
    "the certificate ends soon": warns("tls", "9 days left", "renew the certificate"),
    "a proxy answers": Case("service", "an HTTP proxy answers in place", "exempted from the proxy"),
    "a proxy wants a login": Case("service", "an HTTP proxy answers and wants a login", "exempted from the proxy"),
    "a portal answers": Case("service", "a web page answers with the title 'Azure Stack Hub'", "data.endpoint"),
    "it is sent on to a login": Case("service", "it sends one on to https://login", "correct data.endpoint"),
    "it is the queue service": Case("service", "this is the queue service", "https://ACCOUNT.blob"),
    "it is the management endpoint": Case("service", "another service of the stamp", "correct data.endpoint"),
    "it is no HTTP": Case("service", "does not speak HTTP", "is this the blob endpoint?"),
    "it ends the connection": Case("service", "ended without an answer", "ask who runs it"),
    "the service is busy": Case("service", "answers 503 ServerBusy", "try again in a minute"),
    "the API version is too new": Case("version", "(InvalidHeaderValue x-ms-version; tried 2020-10-02)", '"auto"'),
    "every API version is refused": Case("version", "tried 2020-10-02, 2019-07-07", "this stamp documents"),
    "the clock is 20 minutes off": Case("clock", "20 min behind the service's, so it refuses", "timedatectl"),
    "the clock is 20 minutes off, with a SAS": Case("clock", "20 min behind the service's", "15 min", goes_on=True),
    "the clock is 90 seconds off": warns("clock", "s ahead of the service's", "15 minutes"),
    "the account key is wrong": Case("auth", "does not accept the credential (AuthenticationFailed)", "copy the key"),
    "the SAS has ended": Case("auth", "AuthenticationFailed", "this one ended at 20"),
    "the SAS has not begun": Case("auth", "AuthenticationFailed", "this one holds from 20"),
    "the SAS was altered": Case("auth", "AuthenticationFailed", "it was altered"),
    "the SAS is of a version that is too new": Case("auth", "AuthenticationFailed", "of version 2025-11-05, which"),
    "there is no such container": Case("list", "there is no container 'missing'", "correct data.container"),
    "the SAS may not list": Case("list", "may not do this", "with the permissions read and list"),
    "the container is empty": warns("list", "is empty", "upload the data"),
    "the listing is not one": Case("list", "listing cannot be read", "is the endpoint a blob service?"),
    "it is an account key": warns("rights", "can write and delete everything", "use a SAS token for this container"),
    "the SAS may write": warns("rights", "it can write, delete (sp=rwdl)", "use a SAS token for this container"),
    "the SAS is for the whole account": warns("rights", "it reaches every container, and queues", "use a SAS token"),
    "the SAS may be used over http": warns("rights", "over plain http", "use a SAS token"),
    "the SAS follows a policy": Case("rights", "stored access policy 'readers'", "ask the", "unknown", goes_on=True),
    "the SAS ends soon": warns("expiry", "it ends at 20", "have a new one made"),
    "the container is public": Case("anonymous", "can list and read it, without", "to Private", goes_on=True),
    "the SAS may not read": Case("bytes", "may not do this", "with the permissions read and list"),
    "a transfer is cut": Case("bytes", "32768 of 65536 bytes came", "cuts transfers"),
    "the way is slow": warns("speed", "MB/s over one connection", "stage a part of it"),
    "the disk has no room": Case("disk", "free; the container has 900 TB", "free some space on the VM"),
}


def kept() -> Path:
    """Where the last run of the test leaves what was said."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / KEPT


def keep(found: Mapping[str, Mapping[str, Any]]) -> None:
    """`found`: case -> the link's event."""
    kept().write_text(json.dumps(found, indent=1))


def show() -> str:
    """The table in Markdown, of the last run."""
    lines = ["| broken | link | says | next |", "|---|---|---|---|"]
    for name, link in json.loads(kept().read_text()).items():
        cells = (name, f"**{link['status']}** {link['id']}", link["evidence"], link["action"])
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(show() + "\n")
