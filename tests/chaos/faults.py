"""The fault table."""

from __future__ import annotations

from . import killed, link
from .campaign import Fault

FAULTS = (
    Fault("link cut at random bytes", link.cut, sample=2, full=30),
    Fault("link slow and jittering", link.slow, sample=1, full=5),
    Fault("link half-open", link.silent, sample=1, full=10),
    Fault("client killed after each step", killed.after_a_step, sample=14, full=16, together=2),
    Fault("client killed at a random byte", killed.at_a_random_byte, sample=7, full=520, together=2),
    Fault("client killed at a random time", killed.at_a_random_time, sample=7, full=520, together=2),
    Fault("client killed placing the agent", killed.placing_the_agent, sample=2, full=40),
)
