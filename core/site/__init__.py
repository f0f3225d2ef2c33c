"""A site: one place data may not leave. Its file, its secrets, its folders on the client."""
