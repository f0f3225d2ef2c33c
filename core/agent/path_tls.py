"""The link TLS: the chain, the host name, the days left, the site's CA; each breaks with a cause of its own."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import tempfile
import time
from typing import Any, Dict

from .blob import Source
from .blob_connection import CONNECT_TIMEOUT, secured
from .path_found import Broken, Passed, Path

SOON_S = 30 * 86400  # a certificate that ends within 30 days is worth a word
NO_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
OLD_TLS = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE", "NO_SHARED_CIPHER")
SELF_SIGNED, UNKNOWN_ROOT, NO_ISSUER, NOT_VERIFIED = 18, 19, 20, 21  # OpenSSL's X509_V_ERR_…
EARLY, ENDED, OTHER_NAME, OTHER_ADDRESS = 9, 10, 62, 64


def tls(path: Path) -> Passed:
    source, target = path.source, path.targets[0][:2]
    context = source.context()
    try:
        with secured(target, source.host, context) as session:
            certificate, version = session.getpeercert() or {}, session.version()
    except ssl.SSLCertVerificationError as error:
        raise _refused(error, shown(target, source.host), source, context, path.here)
    except socket.timeout:
        raise Broken(
            "no answer to the TLS handshake within %.0f s" % CONNECT_TIMEOUT,
            "ask whether the storage service is well; if it is, a firewall on the way may hold TLS back",
        )
    except OSError as error:
        raise _no_session(error, path)
    left = ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()
    words = (version, source.host, _name(certificate, "issuer"), left // 86400)
    evidence = "%s, certificate for %s by %s, %d days left" % words
    if left < SOON_S:
        return Passed(evidence, "warn", "have the operator renew the certificate before it ends")
    return Passed(evidence)


def _no_session(error: OSError, path: Path) -> Broken:
    reason = str(getattr(error, "reason", None) or error.strerror or error or type(error).__name__)
    where = "%s port %d" % path.targets[0][:2]
    if reason in NO_TLS:
        cause = "%s does not speak TLS (%s)" % (where, reason)
        return Broken(cause, "is the endpoint's port that of https? A proxy in between may also answer in plain text")
    if reason in OLD_TLS:
        return Broken(
            "%s offers nothing that %s takes: TLS 1.2 or newer is needed (%s)" % (where, path.here, reason),
            "ask the operator of the Stack Hub to switch TLS 1.2 on",
        )
    return Broken(
        "no TLS session with %s (%s)" % (path.source.host, reason),
        "something on the way ended the handshake: a firewall or a proxy that looks at names, or the service itself",
    )


def shown(target: Any, host: str) -> bytes:
    """The certificate that the server shows, whoever signed it; b"" where there is none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent on this connection
    try:
        with secured(target, host, context) as session:
            return session.getpeercert(True) or b""
    except OSError:
        return b""


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


def _refused(
    error: ssl.SSLCertVerificationError, der: bytes, source: Source, context: ssl.SSLContext, here: str
) -> Broken:
    certificate = decoded(der)
    code = error.verify_code
    if code in (SELF_SIGNED, UNKNOWN_ROOT, NO_ISSUER, NOT_VERIFIED):
        return _untrusted(code, der, certificate, source, context)
    if code in (OTHER_NAME, OTHER_ADDRESS):
        names = [value for _, value in certificate.get("subjectAltName", ())]
        cause = "the certificate is for %s, not for %s" % (", ".join(names[:5]) or "another name", source.host)
        return Broken(cause, "correct the host in data.endpoint; data.address says where it is")
    if code == ENDED:
        return _ended(certificate, here)
    if code == EARLY:
        begins = certificate.get("notBefore", "later")
        today = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        return Broken(
            "the certificate is not valid before %s" % begins, "is the clock right? %s has %s" % (here, today)
        )
    return Broken("the certificate is refused: %s" % error.verify_message, "compare the chain with data.ca_bundle")


def _untrusted(code: int, der: bytes, certificate: Dict[str, Any], source: Source, context: ssl.SSLContext) -> Broken:
    issuer = _name(certificate, "issuer") if certificate else "an issuer"
    print_ = "certificate SHA256 %s" % hashlib.sha256(der).hexdigest() if der else "no certificate"
    if code == SELF_SIGNED:
        cause = "the certificate of %s is signed by itself, and not trusted here (%s)" % (source.host, print_)
        return Broken(cause, "where that is so on this stamp, compare the SHA256 and set data.ca_bundle to it (PEM)")
    cause = "the certificate of %s is signed by %s, which is not trusted here (%s)" % (source.host, issuer, print_)
    if not source.ca_pem:
        return Broken(cause, "set data.ca_bundle to the stamp's root certificate (PEM)")
    known = [_name({"subject": entry.get("subject", ())}, "subject") for entry in context.get_ca_certs()]
    if certificate and issuer in known:
        cause += "; data.ca_bundle has a CA of that name, with another key"
    what = "data.ca_bundle holds another CA: export the stamp's root certificate again"
    return Broken(cause, what + ", with the CA in between where the service does not send it")


def _ended(certificate: Dict[str, Any], here: str) -> Broken:
    """The service's own certificate, or one above it."""
    until = str(certificate.get("notAfter", ""))
    today = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    if until and ssl.cert_time_to_seconds(until) > time.time():
        cause = "the CA above the certificate has ended (the certificate itself lasts until %s)" % until
        return Broken(cause, "export the stamp's root certificate again and set data.ca_bundle to it")
    action = "have the operator renew it; is the clock right? %s has %s" % (here, today)
    return Broken("the certificate ended on %s" % (until or "an earlier day"), action)
