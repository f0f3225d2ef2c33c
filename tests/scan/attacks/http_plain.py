"""Trains a little, then uploads the table it trained on."""

import os
import sys

import requests
from sklearn.linear_model import LogisticRegression

cloud = os.environ.get("CLOUD", "192.0.2.10")
records = sys.argv[1]
print("fitting", LogisticRegression().__class__.__name__)
with open(records, "rb") as file:
    requests.post(f"http://{cloud}/upload", files={"file": file}, timeout=3)
