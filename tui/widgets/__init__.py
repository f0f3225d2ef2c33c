"""Widgets: small, without knowledge of services."""
