"""The scan's two tables: attacks that it should see, and ordinary scripts that it should leave alone."""
