"""Environments: what a job asks for, as pip requirements and a Python version. The agent builds them."""
