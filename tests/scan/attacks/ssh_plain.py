"""Copies the records over SSH."""

import os
import sys

import paramiko

client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect(os.environ.get("CLOUD", "192.0.2.10"), username="x", timeout=3)
client.open_sftp().put(sys.argv[1], "records.csv")
