"""The two Services, who is meant by selectors, and which Service the client names."""

from .registry import invariant, put, put_argument
from .rendered import arguments, container, declared_ports, labels, pod, port_of, selects

HEADLESS = "school-internal-headless"


@invariant("nothing is missing and nothing was added")
def inventory(render, _):
    expected = {
        ("Deployment", "school-internal"),
        ("Deployment", "manage-service"),
        ("Service", "school-internal"),
        ("Service", HEADLESS),
        ("PodDisruptionBudget", "school-internal"),
        ("NetworkPolicy", "school-default-deny"),
        ("NetworkPolicy", "school-internal"),
        ("NetworkPolicy", "manage-service"),
    }
    found = {(each["kind"], each["metadata"]["name"]) for each in render.objects}
    for kind, name in sorted(expected ^ found):
        yield f"{kind} {name} is {'missing' if (kind, name) in expected else 'not expected'}"


inventory.broken_by("an object less", lambda r, _: r.objects.pop())


@invariant("the headless Service has no ClusterIP and lists only pods that are ready")
def headless(render, _):
    spec = render.service(HEADLESS)
    if spec.get("clusterIP") != "None":
        yield f"clusterIP is {spec.get('clusterIP')}"
    if spec.get("publishNotReadyAddresses") is not False:
        yield "publishNotReadyAddresses is not false"


headless.broken_by("a ClusterIP", lambda r, _: r.service(HEADLESS).pop("clusterIP"))
headless.broken_by("pods that are not ready", lambda r, _: put(r.service(HEADLESS), "publishNotReadyAddresses", True))


@invariant("the headless Service's port is its targetPort and the container's")
def headless_port(render, _):
    (port,) = render.service(HEADLESS)["ports"]
    if port["name"] != "grpc":
        yield f"the port is called {port['name']}"
    if port["targetPort"] != port["port"]:
        yield f"port {port['port']}, targetPort {port['targetPort']}"
    if port["port"] != declared_ports(render.server)["grpc"]:
        yield f"port {port['port']}, containerPort {declared_ports(render.server)['grpc']}"


headless_port.broken_by("port 80", lambda r, _: put(r.service(HEADLESS), "ports 0 port", 80))
headless_port.broken_by("a targetPort by name", lambda r, _: put(r.service(HEADLESS), "ports 0 targetPort", "grpc"))
headless_port.broken_by("another container port", lambda r, _: put(container(r.server), "ports 0 containerPort", 1))
headless_port.broken_by("no name", lambda r, _: put(r.service(HEADLESS), "ports 0 name", "http"))


@invariant("the other Service has a ClusterIP and leads to the container's port")
def cluster_ip(render, _):
    spec = render.service("school-internal")
    (port,) = spec["ports"]
    declared = declared_ports(render.server)
    if spec.get("type") != "ClusterIP" or "clusterIP" in spec:
        yield "no ordinary ClusterIP"
    if spec.get("sessionAffinity", "None") != "None":
        yield "sessionAffinity makes calls stick even across connections"
    if declared.get(port["targetPort"], port["targetPort"]) != declared["grpc"]:
        yield f"targetPort {port['targetPort']} is not the container's"


cluster_ip.broken_by("headless too", lambda r, _: put(r.service("school-internal"), "clusterIP", "None"))
cluster_ip.broken_by("affinity", lambda r, _: put(r.service("school-internal"), "sessionAffinity", "ClientIP"))
cluster_ip.broken_by("another port", lambda r, _: put(r.service("school-internal"), "ports 0 targetPort", 1))


@invariant("the server listens where its ports say")
def listening(render, _):
    flags = arguments(render.server)
    wanted = {"grpc": port_of(flags["listen"])}
    if "health-listen" in flags:
        wanted["health"] = port_of(flags["health-listen"])
    if declared_ports(render.server) != wanted:
        yield f"it listens on {wanted}, and declares {declared_ports(render.server)}"


listening.broken_by("another --listen", lambda r, _: put_argument(container(r.server), "listen", "[::]:1"))
listening.broken_by("a port undeclared", lambda r, _: put_argument(container(r.server), "health-listen", "[::]:50052"))


@invariant("every selector matches the pods it is meant for")
def selectors(render, _):
    for name, deployment in render.both:
        if not selects(deployment["spec"]["selector"], labels(deployment)):
            yield f"Deployment {name} does not select its own pods"
    meant = {"PodDisruptionBudget": render.one("PodDisruptionBudget", "school-internal")["spec"]["selector"]}
    for service in render.of("Service"):
        meant[f"Service {service['metadata']['name']}"] = {"matchLabels": service["spec"]["selector"]}
    for constraint in pod(render.server)["topologySpreadConstraints"]:
        meant[f"topologySpreadConstraint {constraint['topologyKey']}"] = constraint["labelSelector"]
    for name, selector in meant.items():
        if not selects(selector, labels(render.server)):
            yield f"{name} does not select the server's pods"
        if selects(selector, labels(render.client)):
            yield f"{name} selects the client's pods too"


OTHER = {"app.kubernetes.io/name": "other"}
selectors.broken_by("a Deployment", lambda r, _: put(r.client, "spec selector matchLabels", OTHER))
selectors.broken_by("a Service", lambda r, _: put(r.service(HEADLESS), "selector", OTHER))
selectors.broken_by("a Service for all", lambda r, _: put(r.service(HEADLESS), "selector", {}))
selectors.broken_by(
    "the budget", lambda r, _: put(r.one("PodDisruptionBudget", "school-internal"), "spec selector matchLabels", OTHER)
)
selectors.broken_by(
    "a spread", lambda r, _: put(pod(r.server), "topologySpreadConstraints 0 labelSelector matchLabels", OTHER)
)


def target_problems(render, name):
    (variable,) = container(render.client)["env"]
    (port,) = render.service(name)["ports"]
    if (variable["name"], variable["value"]) != ("TARGET", f"dns:///{name}:{port['port']}"):
        yield f"{variable['name']} is {variable['value']}"
    if container(render.client)["args"][1] != "$(TARGET)":
        yield "the arguments do not name TARGET"


@invariant("the client of `sticky` goes through the ClusterIP", "sticky")
def sticky_target(render, _):
    return target_problems(render, "school-internal")


sticky_target.broken_by(
    "the headless name", lambda r, _: put(container(r.client), "env 0 value", f"dns:///{HEADLESS}:50051")
)
sticky_target.broken_by("no variable", lambda r, _: put(container(r.client), "args 1", "dns:///school-internal:50051"))


@invariant("the client resolves the headless Service", "base", "tls", "headless")
def headless_target(render, _):
    return target_problems(render, HEADLESS)


headless_target.broken_by(
    "the ClusterIP's name", lambda r, _: put(container(r.client), "env 0 value", "dns:///school-internal:50051")
)
headless_target.broken_by("another port", lambda r, _: put(container(r.client), "env 0 value", f"dns:///{HEADLESS}:80"))
