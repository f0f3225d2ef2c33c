"""Job files (Azure ML CLI v2 command jobs), the code snapshot, and what both become on a site."""
