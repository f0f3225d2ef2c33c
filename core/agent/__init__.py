"""The agent: what runs on the VM. Standard library only, Python 3.8 or newer.

It is uploaded as source below `ROOT/agent/HASH/agent/` and started there with
`python3 -m agent serve`; it imports nothing of the rest of trainshed.
"""
