"""Fixtures of the sample of the fault table."""

from ..lab.databases import databases_are_copied

__all__ = ["databases_are_copied"]
