"""trainshed's service layer: everything the two front ends can do, without a screen.

Nothing here prints, and nothing here imports textual, rich, click or `tui`.
"""
