"""The wizard's journey as lines and questions: for screen readers, logs, and terminals that draw nothing.

Nothing is redrawn, nothing is told by a picture or a colour, each answer is a number or a word.
"""
