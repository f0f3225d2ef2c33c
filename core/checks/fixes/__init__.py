"""Fixes: planned, some of it refused, tried on the VM, proved by a new login, then kept or put back."""
