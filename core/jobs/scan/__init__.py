"""The static scan: what of a job could send data out or leave it behind, and what would travel with its code.

It informs and never protects: what a job can reach, its sandbox decides.
"""
