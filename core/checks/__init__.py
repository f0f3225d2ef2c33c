"""Checks: the model, the catalogue, and the service that runs them."""
