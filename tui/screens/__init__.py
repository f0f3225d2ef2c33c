"""One pane a step, and the dialogues they use."""
