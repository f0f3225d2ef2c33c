"""Serves one MLflow model over MLflow's scoring protocol on a unix socket: `server.py MODEL_FOLDER SOCKET`.

It runs in the environment of the run that logged the model, in a package on the VM: so it uses the
standard library and that environment's MLflow, found by name when it starts, and nothing of trainshed.

GET /ping, /health, /version; POST /invocations with dataframe_split, dataframe_records, inputs or
instances (JSON), or CSV. Requests are parsed, answered and refused by MLflow's own scoring code.
The socket appears once the model is loaded.
"""

from __future__ import annotations

import importlib
import json
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

MAX_BODY = 64 * 1024 * 1024


class Model:
    """The loaded model, and MLflow's code that speaks for it."""

    def __init__(self, folder: str) -> None:
        self._scoring = importlib.import_module("mlflow.pyfunc.scoring_server")
        self._refusal = importlib.import_module("mlflow.exceptions").MlflowException
        self.version: str = importlib.import_module("mlflow.version").VERSION
        self._model = importlib.import_module("mlflow.pyfunc").load_model(folder)
        self._schema = self._model.metadata.get_input_schema()

    def answer(self, body: bytes, content_type: str) -> tuple[int, str, str]:
        """(HTTP status, content type, text)."""
        try:
            found = self._scoring.invocations(body.decode("utf-8"), content_type, self._model, self._schema)
        except UnicodeDecodeError:
            return _refused(400, "BAD_REQUEST", "the body is not UTF-8 text")
        except self._refusal as refusal:
            return refusal.get_http_status_code(), "application/json", refusal.serialize_as_json()
        except Exception as error:
            return _refused(500, "INTERNAL_ERROR", f"the request ended in {type(error).__name__}")
        return found.status, found.mimetype, found.response


def _refused(status: int, code: str, message: str) -> tuple[int, str, str]:
    return status, "application/json", json.dumps({"error_code": code, "message": message})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Model

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in ("/ping", "/health"):
            self._send(200, "application/json", "\n")
        elif path == "/version":
            self._send(200, "application/json", self.model.version)
        else:
            self._send(404, "text/plain", "not found: GET /ping, /health, /version; POST /invocations")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            self._send(413 if length.isdigit() else 411, "text/plain", f"a Content-Length of at most {MAX_BODY}")
            return
        body = self.rfile.read(int(length))
        if self.path.partition("?")[0] != "/invocations":
            self._send(404, "text/plain", "not found: POST /invocations")
            return
        self._send(*self.model.answer(body, self.headers.get("Content-Type") or "application/json"))

    def _send(self, status: int, content_type: str, text: str) -> None:
        content = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: a request can be a record."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news; what it sent stays out of the log."""


def main(folder: str, socket: str) -> None:
    model = Model(folder)
    handler = type("ModelHandler", (Handler,), {"model": model})
    if Path(socket).exists():
        Path(socket).unlink()
    with Server(socket, handler) as server:
        sys.stdout.write(f"serving {folder} with MLflow {model.version}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
