"""Helpers that other scripts of a repository import."""

import contextlib
import json
import os
import pathlib
import random
import socket
import sys
import time

import numpy as np

HOST = socket.gethostname()
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", "/tmp/cache"))


def seed_everything(seed=42):
    random.seed(seed)
    np.random.seed(seed)
    os.environ["PYTHONHASHSEED"] = str(seed)


@contextlib.contextmanager
def timed(what):
    began = time.perf_counter()
    yield
    print(f"{what} took {time.perf_counter() - began:.2f}s on {HOST}", file=sys.stderr)


def save_json(value, path):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, default=float)


class Registry(dict):
    def register(self, name):
        def around(function):
            self[name] = function
            return function
        return around

    def build(self, name, **options):
        return self[name](**options)


class AverageMeter:
    def __init__(self):
        self.total = self.count = 0

    def update(self, value, count=1):
        self.total += value * count
        self.count += count

    @property
    def mean(self):
        return self.total / max(self.count, 1)

    def __getattr__(self, name):
        return getattr(self.__dict__.get("inner"), name)
