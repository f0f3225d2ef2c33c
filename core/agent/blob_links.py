"""The path from this VM to the container, link by link: name, tcp, tls, auth, list, bytes."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import ssl
import tempfile
import time
from typing import Any, Dict, Iterator, NamedTuple, Optional

from .blob import CONNECT_TIMEOUT, Client, Source, secured
from .blob_list import Blob
from .faults import Fault

SOON_S = 30 * 86400  # a certificate that ends within 30 days is worth a word
FIRST_BYTES = 64 * 1024
CLOCK_WARN_S = 60.0


class Link(NamedTuple):
    """`cause` is the evidence; `action` what to do next where the link is broken."""

    id: str
    status: str
    cause: str
    action: str
    duration_s: float


class Broken(Exception):
    def __init__(self, cause: str, action: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.action = action


class Passed(NamedTuple):
    evidence: str
    status: str = "pass"
    action: str = ""


class _Path:
    """What one link finds, the next one uses."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.client = Client(source)
        self.target: Any = None
        self.first: Optional[Blob] = None

    def name(self) -> Passed:
        source = self.source
        try:
            found = source.resolve()
        except OSError as error:
            raise Broken(
                "%s is not known on the VM (%s)" % (source.address or source.host, error.strerror or error),
                "set data.address to the endpoint's IP address, or give the VM a DNS server that knows the name",
            )
        self.target = found[0]
        if source.address:
            return Passed("%s is reached at %s, as data.address says" % (source.host, source.address))
        return Passed("%s is %s" % (source.host, ", ".join(sorted({str(entry[0]) for entry in found}))))

    def tcp(self) -> Passed:
        where = "%s port %d" % (self.target[0], self.target[1])
        try:
            socket.create_connection(self.target[:2], CONNECT_TIMEOUT).close()
        except socket.timeout:
            raise Broken("%s does not answer" % where, "a firewall drops it, or the address is wrong")
        except OSError as error:
            raise Broken(
                "%s: %s" % (where, error.strerror or error),
                "does the storage service listen there? Compare data.endpoint and data.address with the portal",
            )
        return Passed("%s accepts connections" % where)

    def tls(self) -> Passed:
        source = self.source
        try:
            with secured(self.target[:2], source.host, source.context()) as session:
                certificate, version = session.getpeercert() or {}, session.version()
        except ssl.SSLCertVerificationError as error:
            raise _certificate_problem(error, self._shown(), source)
        except OSError as error:
            raise Broken(
                "no TLS session with %s (%s)" % (source.host, getattr(error, "reason", None) or error.strerror),
                "is the endpoint an https port, and TLS 1.2 or newer?",
            )
        left = ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()
        evidence = "%s, certificate for %s by %s, %d days left" % (
            version,
            source.host,
            _name(certificate, "issuer"),
            left // 86400,
        )
        if left < SOON_S:
            return Passed(evidence, "warn", "renew the certificate before it ends")
        return Passed(evidence)

    def _shown(self) -> bytes:
        """The certificate that the server shows, whoever signed it; b"" where there is none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # nothing is sent on this connection
        try:
            with secured(self.target[:2], self.source.host, context) as session:
                return session.getpeercert(True) or b""
        except OSError:
            return b""

    def auth(self) -> Passed:
        try:
            self.client.page(self.source.prefix, size=1)
        except Fault as fault:
            if not _authenticated(fault):
                raise
        kind = "account key" if self.source.key is not None else "SAS token"
        skew = self.client.skew_s or 0.0
        clocks = "clocks agree" if abs(skew) < 2 else "clocks differ by %.0f s" % abs(skew)  # a Date has whole seconds
        evidence = "%s accepted, API version %s, %s" % (kind, self.client.version, clocks)
        if abs(skew) > CLOCK_WARN_S:
            return Passed(evidence, "warn", "set the VM's clock: signatures break at 15 minutes")
        return Passed(evidence)

    def list(self) -> Passed:
        blobs, marker = self.client.page(self.source.prefix)
        self.first = next((blob for blob in blobs if blob.size), None)
        where = self.source.container + ("/" + self.source.prefix if self.source.prefix else "")
        if not blobs:
            return Passed("%s is empty" % where, "warn", "upload the data, or correct data.prefix")
        total = sum(blob.size for blob in blobs)
        return Passed("%s: %s%d blobs, %d bytes" % (where, "more than " if marker else "", len(blobs), total))

    def bytes(self) -> Passed:
        if self.first is None:
            return Passed("there is no blob with bytes to read", "skipped")
        response = self.client.blob(self.first.name, 0, min(FIRST_BYTES, self.first.size) - 1)
        got = len(response.read())
        wanted = min(FIRST_BYTES, self.first.size)
        if got != wanted:
            raise Broken("%d of %d bytes came" % (got, wanted), "something on the way cuts transfers: check again")
        return Passed("the first %d bytes of a blob were read" % got)


def _authenticated(fault: Fault) -> bool:
    """The service knew who asked, and refused for another reason: that is the next link's finding."""
    code = str(fault.facts.get("service_code", ""))
    return code in ("ContainerNotFound", "ResourceNotFound", "InvalidResourceName") or code.startswith("Authorization")


def _name(certificate: Dict[str, Any], key: str) -> str:
    pairs = [pair for part in certificate.get(key, ()) for pair in part]
    named = [value for name, value in pairs if name == "commonName"]
    return str((named or [value for _, value in pairs] or ["an unnamed issuer"])[-1])


def decoded(der: bytes) -> Dict[str, Any]:
    """Subject, issuer, names and dates of a certificate; {} where this Python cannot tell."""
    decode = getattr(getattr(ssl, "_ssl", None), "_test_decode_cert", None)  # the standard library's only parser
    if decode is None or not der:
        return {}
    handle, path = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "w") as file:
            file.write(ssl.DER_cert_to_PEM_cert(der))
        found: Dict[str, Any] = decode(path)
        return found
    except (OSError, ssl.SSLError, ValueError):
        return {}
    finally:
        os.unlink(path)


def _certificate_problem(error: ssl.SSLCertVerificationError, der: bytes, source: Source) -> Broken:
    certificate = decoded(der)
    code, text = error.verify_code, error.verify_message
    if code in (18, 19, 20, 21):  # self-signed, or an issuer that is not known here
        issuer = _name(certificate, "issuer") if certificate else "an issuer"
        shown = "certificate SHA256 %s" % hashlib.sha256(der).hexdigest() if der else "no certificate"
        cause = "the certificate of %s is signed by %s, which is not trusted here (%s)" % (source.host, issuer, shown)
        if source.ca_pem:
            return Broken(cause, "data.ca_bundle holds another CA: export the stamp's root certificate again")
        return Broken(cause, "set data.ca_bundle to the stamp's root certificate (PEM)")
    if code in (62, 64):  # host name, IP address
        names = [value for _, value in certificate.get("subjectAltName", ())]
        cause = "the certificate is for %s, not for %s" % (", ".join(names[:5]) or "another name", source.host)
        return Broken(cause, "correct the host in data.endpoint; data.address says where it is")
    if code == 10:
        return Broken("the certificate ended on %s" % certificate.get("notAfter", "an earlier day"), "renew it")
    if code == 9:
        begins = certificate.get("notBefore", "later")
        return Broken("the certificate is not valid before %s" % begins, "is the VM's clock right?")
    return Broken("the certificate is refused: %s" % text, "compare the chain with data.ca_bundle")


IDS = ("name", "tcp", "tls", "auth", "list", "bytes")


def follow(source: Source) -> Iterator[Link]:
    """Each link in order; after the first broken one the rest are skipped."""
    path = _Path(source)
    broken = ""
    try:
        for id in IDS:
            if broken:
                yield Link(id, "skipped", "not tried: the link %r before it is broken" % broken, "", 0.0)
                continue
            link = _tried(id, path)
            if link.status == "fail":
                broken = id
            yield link
    finally:
        path.client.close()


def _tried(id: str, path: _Path) -> Link:
    started = time.monotonic()
    try:
        found = getattr(path, id)()
        status, cause, action = found.status, found.evidence, found.action
    except Broken as error:
        status, cause, action = "fail", error.cause, error.action
    except Fault as fault:
        status, cause, action = "fail", fault.title, fault.hint
    except (OSError, http.client.HTTPException) as problem:
        status, cause = "fail", "the connection broke (%s)" % type(problem).__name__
        action = "check again; if it stays so, look at what is between the VM and the storage service"
    return Link(id, status, cause, action, time.monotonic() - started)
