"""Deploy: a packaged model answers on the VM, in a sandbox without the data."""
