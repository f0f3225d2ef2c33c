"""Puts files into a container: how the embedded site and tests are filled. Nothing of a real site is written."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

API_VERSION = "2019-07-07"  # the newest that every supported Stack Hub stamp accepts


def upload(described: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Makes the container where it is missing and puts `files` (blob name -> content) there, over what is there.

    `described`: as `core.data.source` returns it. Blocks. Raises azure.core.exceptions.AzureError.
    """
    from azure.core.exceptions import ResourceExistsError
    from azure.storage.blob import BlobServiceClient

    service = BlobServiceClient(
        described["endpoint"],
        credential=_credential(described),
        api_version=API_VERSION,
        transport=_transport(described),
    )
    with service:
        container = service.get_container_client(described["container"])
        try:
            container.create_container()
        except ResourceExistsError:
            pass
        for name, content in files.items():
            container.upload_blob(name, content, overwrite=True)


def _credential(described: Mapping[str, Any]) -> Any:
    """A SAS token as it is; an account key with its account, which the SDK finds only in names of public Azure."""
    text: str = described["credential"]
    host = urlsplit(described["endpoint"]).hostname or ""
    return text if "sig=" in text else {"account_name": host.partition(".")[0], "account_key": text}


def _transport(described: Mapping[str, Any]) -> Any:
    """Connects to `address` under the endpoint's name, trusting `ca_pem`: no hosts file, no global state."""
    import requests
    from azure.core.pipeline.transport import RequestsTransport
    from requests.adapters import HTTPAdapter

    parts = urlsplit(described["endpoint"])
    context = ssl.create_default_context()
    if described.get("ca_pem"):
        context.load_verify_locations(cadata=described["ca_pem"])

    class Named(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(
                *args, **kwargs, ssl_context=context, server_hostname=parts.hostname, assert_hostname=parts.hostname
            )

        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            address = described.get("address")
            if address:
                request.headers["Host"] = parts.netloc
                request.url = request.url.replace(f"//{parts.netloc}", f"//{address}:{parts.port or 443}", 1)
            kwargs["verify"] = True
            return super().send(request, *args, **kwargs)

        def cert_verify(self, *args: Any) -> None:
            """The pool's own context verifies; requests would put certifi's bundle over it."""

        def build_connection_pool_key_attributes(self, request: Any, *_: Any) -> Any:
            """As the base class, without the context that requests makes for certifi's bundle."""
            target = urlsplit(request.url)
            return {"scheme": target.scheme, "host": target.hostname, "port": target.port}, {}

    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Named())
    return RequestsTransport(session=session, session_owner=True)
