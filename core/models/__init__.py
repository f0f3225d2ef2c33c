"""Models: registered in the workspace, packaged on the VM."""
