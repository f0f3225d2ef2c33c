"""How each link of the path to the data is broken: a function for each case of data_links.py."""

from __future__ import annotations

import base64
import datetime
import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from core.demo import azurite, certs

from . import front_auth
from .front import StrictFront
from .front_faults import ALWAYS, torn
from .made_up import Blob, Container, given

Described = dict[str, Any]
DAY_S = 86_400.0
TABLE = {"records": Container([given("a.csv", b"1,2\n" * 40_000), given("b.csv", b"b")]), "empty": Container()}


class Lab:
    """One front with made-up containers; what a case starts ends with the case."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.front = StrictFront(containers=TABLE, folder=folder)
        self.case = ExitStack()

    def sas(self, **more: Any) -> Described:
        return {**self.front.described("records"), "credential": self.front.sas("records", spr="https", **more)}

    def another(self, certificates: certs.Certificates | None = None, **more: Any) -> StrictFront:
        made = StrictFront(certificates=certificates or self.front.certificates, **{"containers": TABLE, **more})
        self.case.callback(made.stop)
        return made

    def answers(self, reply: bytes) -> Described:
        """A server with the right certificate that says this to whatever it is asked."""
        listener = socket.create_server((azurite.ADDRESS, 0))
        self.case.callback(listener.close)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.front.certificates.certificate, self.front.certificates.key)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    plain, _ = listener.accept()
                    with suppress(OSError), context.wrap_socket(plain, server_side=True) as secured:
                        if secured.recv(65536):
                            secured.sendall(reply)

        threading.Thread(target=serve, daemon=True).start()
        return at(self.front.described("records"), listener.getsockname()[1])


def at(described: Described, port: int) -> Described:
    return {**described, "endpoint": f"https://{azurite.HOST}:{port}"}


def page(status: str, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def account_sas(lab: Lab) -> Described:
    ends = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = {"sv": "2018-11-09", "ss": "bq", "srt": "co", "sp": "rl", "se": ends, "spr": "https"}
    lines = [azurite.ACCOUNT, "rl", "bq", "co", "", ends, "", "https", "2018-11-09", ""]
    sig = front_auth.signature("\n".join(lines), lab.front.storage.key)
    return {**lab.front.described("records"), "credential": urlencode({**words, "sig": sig})}


def signed(lab: Lab, *, root_days: float = 400, begins: float = -1, own: bool = False) -> Described:
    """A front whose certificate begins in `begins` days, below a root that ends in `root_days`; or is its own root."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    now = datetime.datetime.now(datetime.UTC)
    folder = Path(lab.case.enter_context(_folder(lab.folder)))

    def make(name: str, issuer: str, first: float, days: float, key: Any, by: Any) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        signer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(signer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now + datetime.timedelta(days=first))
        builder = builder.not_valid_after(now + datetime.timedelta(days=days))
        builder = builder.add_extension(x509.BasicConstraints(ca=name != azurite.HOST, path_length=None), critical=True)
        if name == azurite.HOST:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        return builder.sign(by, hashes.SHA256())

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = make("the stamp's root", "the stamp's root", -800, root_days, root_key, root_key)
    issuer, by = (azurite.HOST, key) if own else ("the stamp's root", root_key)
    leaf = make(azurite.HOST, issuer, begins, 300, key, by)
    made = certs.Certificates(folder / "root.pem", folder / "server.pem", folder / "server.key")
    made.root.write_text(certs._pem(root))
    made.certificate.write_text(certs._pem(leaf))
    made.key.write_text(certs._key_pem(key))
    return lab.another(made).described("records")


def _folder(inside: Path) -> Any:
    import tempfile

    return tempfile.TemporaryDirectory(dir=inside)


def closed(lab: Lab) -> Described:
    taken = lab.case.enter_context(socket.socket())
    taken.bind((azurite.ADDRESS, 0))
    return at(lab.front.described("records"), taken.getsockname()[1])


def plain(lab: Lab) -> Described:
    listener = lab.case.enter_context(socket.create_server((azurite.ADDRESS, 0)))

    def answer() -> None:
        with suppress(OSError):
            while True:
                with listener.accept()[0] as connection:
                    connection.sendall(b"220 hello\r\n")

    threading.Thread(target=answer, daemon=True).start()
    return at(lab.front.described("records"), listener.getsockname()[1])


def elsewhere(lab: Lab, days: int) -> Described:
    """A front whose certificate has so many days left."""
    folder = Path(lab.case.enter_context(_folder(lab.folder)))
    return lab.another(certs.make(folder, azurite.HOST, days=days)).described("records")


def faulty(lab: Lab, container: str = "records", **faults: Any) -> Described:
    for name, value in faults.items():
        setattr(lab.front.faults, name, value)
    return lab.front.described(container)


def other_root(lab: Lab) -> Described:
    folder = Path(lab.case.enter_context(_folder(lab.folder)))
    other = certs.make(folder, azurite.HOST).root.read_text()
    return {**lab.front.described("records"), "ca_pem": other}


def other_name(lab: Lab) -> Described:
    found = lab.front.described("records")
    return {**found, "endpoint": found["endpoint"].replace(azurite.ACCOUNT, "other", 1)}


def altered(lab: Lab) -> Described:
    found = lab.sas()
    return {**found, "credential": found["credential"].replace("sp=rl", "sp=rwl")}


def huge(lab: Lab, size: int, **faults: Any) -> Described:
    door = lab.another(containers={"records": Container([Blob("a.bin", size, md5=False)])})
    for name, value in faults.items():
        setattr(door.faults, name, value)
    return door.described("records")


def public(lab: Lab) -> Described:
    door = lab.another(public=True)
    return {**door.described("records"), "credential": door.sas("records", spr="https")}


def key() -> str:
    return base64.b64encode(os.urandom(64)).decode()


def of(lab: Lab, **changes: Any) -> Described:
    return {**lab.front.described("records"), **changes}


HTML = "<html><head><title>Azure Stack\n Hub</title></head><body>Sign in</body></html>"
WEB = "Content-Type: text/html; charset=utf-8"
BREAK: dict[str, Callable[[Lab], Described]] = {
    "the name is not known": lambda lab: of(lab, address=None),
    "nothing listens": closed,
    "the port speaks no TLS": plain,
    "no CA of the site is named": lambda lab: of(lab, ca_pem=None),
    "the site's CA is an older one": other_root,
    "the bundle is no certificate": lambda lab: of(lab, ca_pem="nonsense"),
    "the certificate is signed by itself": lambda lab: {**signed(lab, own=True), "ca_pem": None},
    "the certificate is for another name": other_name,
    "the certificate has ended": lambda lab: elsewhere(lab, -2),
    "the CA has ended": lambda lab: signed(lab, root_days=-3),
    "the certificate has not begun": lambda lab: signed(lab, begins=2),
    "the certificate ends soon": lambda lab: elsewhere(lab, 10),
    "a proxy answers": lambda lab: lab.answers(page("403 Forbidden", "Via: 1.1 edge (squid/5.7)", WEB, body=HTML)),
    "a proxy wants a login": lambda lab: lab.answers(page("407 Login", "Proxy-Authenticate: Basic realm=ward")),
    "a portal answers": lambda lab: lab.answers(page("200 OK", "Server: Microsoft-IIS/10.0", WEB, body=HTML)),
    "it is sent on to a login": lambda lab: lab.answers(page("302 Found", "Location: https://login.local/adfs")),
    "it is the queue service": lambda lab: lab.answers(
        page("400 Bad", "Server: Windows-Azure-Queue/1.0 Microsoft-HTTPAPI/2.0", "x-ms-request-id: 1")
    ),
    "it is the management endpoint": lambda lab: lab.answers(
        page("401 No", "x-ms-request-id: 1", "Content-Type: application/json", body='{"error":{}}')
    ),
    "it is no HTTP": lambda lab: lab.answers(b"* OK IMAP4rev1 ready\r\n"),
    "it ends the connection": lambda lab: lab.answers(b""),
    "the service is busy": lambda lab: faulty(lab, busy=ALWAYS),
    "the API version is too new": lambda lab: of(lab, api_version="2020-10-02"),
    "every API version is refused": lambda lab: lab.another(newest="2015-01-01").described("records"),
    "the clock is 20 minutes off": lambda lab: faulty(lab, clock_s=1200.0),
    "the clock is 20 minutes off, with a SAS": lambda lab: {**faulty(lab, clock_s=1200.0), **lab.sas()},
    "the clock is 90 seconds off": lambda lab: {**faulty(lab, clock_s=-90.0), **lab.sas()},
    "the account key is wrong": lambda lab: of(lab, credential=key()),
    "the SAS has ended": lambda lab: lab.sas(seconds=-60),
    "the SAS has not begun": lambda lab: lab.sas(st="2099-01-01"),
    "the SAS was altered": altered,
    "the SAS is of a version that is too new": lambda lab: lab.sas(sv="2025-11-05"),
    "there is no such container": lambda lab: of(lab, container="missing"),
    "the SAS may not list": lambda lab: lab.sas(permissions="r"),
    "the container is empty": lambda lab: of(lab, container="empty"),
    "the listing is not one": lambda lab: faulty(lab, listing=torn),
    "it is an account key": lambda lab: of(lab),
    "the SAS may write": lambda lab: lab.sas(permissions="rwdl", seconds=90 * DAY_S),
    "the SAS is for the whole account": account_sas,
    "the SAS may be used over http": lambda lab: {**of(lab), "credential": lab.front.sas("records")},
    "the SAS follows a policy": lambda lab: lab.sas(si="readers"),
    "the SAS ends soon": lambda lab: lab.sas(seconds=DAY_S - 1),
    "the container is public": public,
    "the SAS may not read": lambda lab: lab.sas(permissions="l"),
    "a transfer is cut": lambda lab: faulty(lab, truncate=ALWAYS),
    "the way is slow": lambda lab: huge(lab, 4 * 10**9, bytes_per_s=80_000.0),
    "the disk has no room": lambda lab: huge(lab, 9 * 10**14),
}
