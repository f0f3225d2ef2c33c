"""The full-screen interface in a browser of this machine, behind a link that works once."""
