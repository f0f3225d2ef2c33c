"""What else the host is open for."""

from __future__ import annotations

from .. import exposure
from ..fix import Fix
from ..model import Check

CHECKS = (
    Check(
        id="listen-scope",
        number=54,
        title="SSH listens where it is needed, and not on the internet",
        severity="high",
        looks_at="listenaddress, the sockets that listen on our port, the host's addresses",
        needs=("sshd", "listeners", "addresses"),
        expected="ListenAddress names the edge's address; no address of the internet",
        sources=("DS sshd-09", "ours"),
        fix=Fix(
            by_hand=(
                "ListenAddress ADDRESS of the edge's network (where ssh.socket listens: ListenStream= in it)",
                "or a rule of nft that lets only that network in",
            )
        ),
        evaluate=exposure.listen_scope,
        quiet=("every address, where all of them are private, is a warning",),
    ),
    Check(
        id="other-listeners",
        number=55,
        title="Nothing else listens beyond loopback",
        severity="critical",
        looks_at="TCP sockets that listen, from /proc/net",
        needs=("listeners",),
        expected="only SSH; Docker, MLflow, Ray, Dask, Kubernetes on loopback or a unix socket",
        sources=("dstack #2640", "mlflow #23500", "ShadowRay"),
        fix=Fix(by_hand=("bind each to 127.0.0.1, or stop it",)),
        evaluate=exposure.other_listeners,
        quiet=("loopback, by any of its addresses", "the port of ssh.socket"),
    ),
    Check(
        id="docker",
        number=58,
        title="Docker keeps runs, and is not open to everybody",
        severity="medium",
        looks_at="what Docker says of itself, and the mode of its socket",
        needs=("docker",),
        expected="live-restore, so that containers outlive a restart of Docker; a socket for root and its group alone",
        sources=("Docker: live restore", "CIS Docker 2.15"),
        fix=Fix(
            by_hand=(
                '"live-restore": true in /etc/docker/daemon.json',
                "systemctl reload docker",
                "chmod 660 /var/run/docker.sock",
            )
        ),
        evaluate=exposure.docker,
    ),
)
