"""A root certificate of the embedded site, and one for its storage service signed by it."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .processes import write_private

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

DAYS = 365


@dataclass(frozen=True)
class Certificates:
    """PEM files. `root` is what a site file's ca_bundle names; the root's key is not kept."""

    root: Path
    certificate: Path
    key: Path


def make(folder: Path, host: str, *, root_name: str = "trainshed embedded site root", days: int = DAYS) -> Certificates:
    """New ones for `host`, valid from yesterday for `days` days (negative: ended already)."""
    from cryptography.hazmat.primitives.asymmetric import ec

    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _sign(_builder(root_name, root_name, root_key, DAYS), root_key, root_key, None)
    leaf = _sign(_builder(host, root_name, leaf_key, days), leaf_key, root_key, host)
    made = Certificates(folder / "root.pem", folder / "server.pem", folder / "server.key")
    write_private(made.root, _pem(root))
    write_private(made.certificate, _pem(leaf) + _pem(root))
    write_private(made.key, _key_pem(leaf_key))
    return made


def _name(text: str) -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _builder(subject: str, issuer: str, key: EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    from cryptography import x509

    now = datetime.datetime.now(datetime.UTC)
    first = now - datetime.timedelta(days=1 if days > 0 else 1 - days)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _sign(
    builder: x509.CertificateBuilder,
    key: EllipticCurvePrivateKey,
    root_key: EllipticCurvePrivateKey,
    host: str | None,
) -> x509.Certificate:
    """With `host` None it is the root's own."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    subject = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    path_length = 0 if host is None else None
    builder = builder.add_extension(x509.BasicConstraints(ca=host is None, path_length=path_length), critical=True)
    builder = builder.add_extension(_usage(signs=host is None), critical=True)
    builder = builder.add_extension(subject, critical=False).add_extension(issuer, critical=False)
    if host is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(host)]), critical=False)
        server = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(server, critical=False)
    return builder.sign(root_key, hashes.SHA256())


def _usage(*, signs: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _general(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode()


def _key_pem(key: EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives import serialization as form

    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
