"""Starts a container with a network, by Docker's socket."""

import docker

client = docker.from_env()
client.containers.run("alpine", "wget -q -O- http://192.0.2.10/", volumes={"/data": {"bind": "/d"}}, network_mode="host")
