"""What foreign code executes in: its policies as data. The engine that carries them out is on the VM."""
