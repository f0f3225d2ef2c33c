"""The command line's commands: a file for each group, loaded when the command is used."""
