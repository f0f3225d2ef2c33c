"""MLflow, imported when first used and kept off the screen: it prints, logs, warns and reports home otherwise."""

from __future__ import annotations

import importlib
import logging
import os
import threading
import warnings
from typing import Any

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
_lock = threading.Lock()


def mlflow() -> Any:
    """The module, silenced. The first call takes about two seconds."""
    with _lock:
        for key, value in SETTINGS.items():
            os.environ.setdefault(key, value)
        for name in ("mlflow", "alembic", "sqlalchemy"):
            logger = logging.getLogger(name)
            logger.setLevel(logging.CRITICAL + 1)
            logger.propagate = False
        for name in ("mlflow", "alembic", "sqlalchemy", "pydantic"):
            warnings.filterwarnings("ignore", module=name)
        return importlib.import_module("mlflow")
