"""SSH: hosts, host keys, sessions, and the agent at the far end. paramiko lives here and nowhere else."""
