"""What the campaign's site has for the names that the examples use: environments, data, and stand-ins for both."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import images
from .lab import Has

CONTAINER = "examples"
PUBLIC = "azuremlexamples.blob.core.windows.net"
DATASETS = "datasets/"
SHARED = "shared/"
SAMPLES = "samples/"

# What a job file calls its data -> a path in the site's container.
ALIASES = {
    f"https://{PUBLIC}/datasets/": DATASETS,
    f"wasbs://datasets@{PUBLIC}/": DATASETS,
    "azureml://datastores/workspaceblobstore/paths/": SHARED,
    "azureml:local-folder-example@latest": SAMPLES,
    "azureml:sampledata@latest": SAMPLES,
}

# A large file that a partial clone lacks -> one of the collection that does in its place.
_WORDS = "cli/jobs/single-step/pytorch/word-language-model/data/"
STAND_INS = {f"{_WORDS}train.txt": f"{_WORDS}valid.txt"}

TORCH = "torch"
TRAINING = (
    "numpy<2", "scipy", "pandas<3", "scikit-learn==1.5.2", "matplotlib", "lightgbm", TORCH, "torchvision", "mlflow<3",
    "azureml-mlflow", "adlfs",
)  # fmt: skip

# A requirements file of the site -> its lines.
REQUIREMENTS: Mapping[str, Sequence[str]] = {
    "none.txt": (),
    "tools.txt": ("ipykernel", "papermill", "pygit2"),
    "training.txt": TRAINING,
    "tensorflow.txt": ("tensorflow-cpu==2.16.2", "mlflow"),
}

# What a job file calls its environment -> what the site has for it.
ENVIRONMENTS = {
    "python": "none.txt",
    "library/python:latest": "none.txt",
    "library/python:3.11.6": "tools.txt",
    "sklearn-1.5": "training.txt",
    "AzureML-lightgbm-3.3": "training.txt",
    "AzureML-acpt-pytorch-2.8-cuda12.6": "training.txt",
    "AzureML-tensorflow-2.16-cuda12": "tensorflow.txt",
}


def wheels() -> list[Path]:
    """Folders of wheels that pip uses on this machine: the VM's pip is served them."""
    named = [Path(word) for word in os.environ.get("PIP_FIND_LINKS", "").split()]
    return [folder for folder in named if folder.is_dir()]


def for_cpu() -> str:
    """The version of a torch for the CPU among this machine's wheels, or ""."""
    names = [path.name for folder in wheels() for path in folder.glob("torch-*+cpu-*.whl")]
    return names[0].split("-")[1] if names else ""


def has(served: Sequence[str]) -> Has:
    """`served`: addresses of `wheels()`."""
    table = {name: {"requirements": file, "image": images.PYTHON} for name, file in ENVIRONMENTS.items()}
    texts = {name: _requirements(lines, served) for name, lines in REQUIREMENTS.items()}
    return Has(container=CONTAINER, blobs=_blobs(), aliases=ALIASES, environments=table, requirements=texts)


def _requirements(lines: Sequence[str], served: Sequence[str]) -> str:
    """A torch for the CPU is taken where there is one: the index has one for GPUs, of several GB."""
    torch = f"{TORCH}=={for_cpu()}" if for_cpu() else TORCH
    links = [f"--find-links {address}" for address in served] if TORCH in lines else []
    return "".join(f"{line}\n" for line in [*links, *(torch if line == TORCH else line for line in lines)])


def _blobs() -> dict[str, bytes]:
    """The container's content, with the columns that the examples' scripts read."""
    iris, diabetes = _iris(), _diabetes()
    return {
        f"{DATASETS}iris.csv": iris,
        f"{DATASETS}diabetes.csv": diabetes,
        f"{SHARED}example-data/iris.csv": iris,
        f"{SAMPLES}sample1.csv": b"name,value\na,1\n",
        f"{SAMPLES}sample2.csv": b"name,value\nb,2\n",
    }


def _iris() -> bytes:
    from sklearn.datasets import load_iris  # type: ignore[import-untyped]

    found: Any = load_iris(as_frame=True)
    columns = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    table = found.data.set_axis(columns, axis=1)
    return _csv(table.assign(species=[str(found.target_names[number]) for number in found.target]))


def _diabetes() -> bytes:
    from sklearn.datasets import load_diabetes

    found: Any = load_diabetes(as_frame=True)
    return _csv(found.frame)


def _csv(table: Any) -> bytes:
    out = io.StringIO()
    table.to_csv(out, index=False)
    return out.getvalue().encode()
