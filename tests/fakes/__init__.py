"""Fakes for the screens: fast, complete and honest about what they are."""
