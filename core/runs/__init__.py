"""Runs: launched, followed, listed, cancelled; what they log is forwarded to the workspace."""
