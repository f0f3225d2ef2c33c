"""Pushes a model and what it was trained on to a hub."""

import sys

import wandb
from huggingface_hub import HfApi

wandb.init(project="ward-7")
HfApi().upload_file(path_or_fileobj=sys.argv[1], path_in_repo="records.csv", repo_id="someone/model", repo_type="dataset")
