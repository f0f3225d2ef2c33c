"""`python3 -m agent serve ROOT` for a connection, `supervise ROOT RUN` for a run, and what runs inside a sandbox."""

from __future__ import annotations

import sys

from . import serve


def main(argv: list[str]) -> None:
    what, rest = argv[0], argv[1:]
    if what == "serve":
        serve.main(rest[0])
    elif what == "supervise":
        from . import supervisor

        supervisor.main(rest[0], rest[1])
    elif what == "serve-model":
        from . import services

        services.main(rest[0], rest[1])
    else:
        raise SystemExit("trainshed agent: unknown word %r" % what)


main(sys.argv[1:])
