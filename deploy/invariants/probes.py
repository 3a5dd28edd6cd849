"""What the kubelet asks, and where."""

from .registry import invariant, put, put_argument, remove_argument
from .rendered import arguments, container, port_of

SERVICES = {"startupProbe": "", "readinessProbe": "school.v1.School", "livenessProbe": "grpc.health.v1.Health"}


@invariant("three probes ask three health services, and liveness one that draining leaves alone")
def services(render, _):
    found = {name: container(render.server)[name]["grpc"].get("service", "") for name in SERVICES}
    if found != SERVICES:
        yield str(found)


services.broken_by(
    "liveness as readiness", lambda r, _: put(container(r.server), "livenessProbe grpc service", "school.v1.School")
)
services.broken_by("liveness of the whole", lambda r, _: container(r.server)["livenessProbe"]["grpc"].pop("service"))
services.broken_by("no readiness", lambda r, _: container(r.server).pop("readinessProbe"))
services.broken_by("over HTTP", lambda r, _: put(container(r.server), "startupProbe", {"httpGet": {"port": 50051}}))


@invariant("no probe asks a port that speaks TLS or that nobody listens on")
def ports(render, _):
    flags = arguments(render.server)
    plain = {port_of(flags["health-listen"])} if "health-listen" in flags else set()
    if "tls-cert" not in flags:
        plain.add(port_of(flags["listen"]))
    for name in SERVICES:
        port = container(render.server)[name]["grpc"]["port"]
        if port not in plain:
            yield f"{name} asks port {port}, plain text is on {sorted(plain)}"


ports.broken_by("TLS", lambda r, _: put_argument(container(r.server), "tls-cert", "/etc/tls/tls.crt"))
ports.broken_by("another port", lambda r, _: put(container(r.server), "livenessProbe grpc port", 50052))


@invariant("under TLS, every probe asks the port for health", "tls")
def tls_ports(render, _):
    for name in SERVICES:
        port = container(render.server)[name]["grpc"]["port"]
        if port != port_of(arguments(render.server)["health-listen"]):
            yield f"{name} asks port {port}"


tls_ports.broken_by("the main port", lambda r, _: put(container(r.server), "startupProbe grpc port", 50051))
tls_ports.broken_by("no such port", lambda r, _: remove_argument(container(r.server), "health-listen"))
