"""trainshed's two front ends: the wizard (`tui.app`) and the command line (`tui.cli`)."""
