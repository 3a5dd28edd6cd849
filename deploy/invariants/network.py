"""What NetworkPolicies let through."""

from .registry import invariant, put
from .rendered import arguments, labels, port_of, selects

DNS = 53
# What the guide's commands that people run by hand are labelled with.
BY_HAND = {"app.kubernetes.io/name": "evenkeel"}


@invariant("NetworkPolicies deny everything to and from both kinds of pods that is not allowed")
def default_deny(render, _):
    spec = render.policy("school-default-deny")
    if set(spec["policyTypes"]) != {"Ingress", "Egress"} or "ingress" in spec or "egress" in spec:
        yield f"not both directions, or something allowed: {spec}"
    for name, deployment in render.both:
        if not selects(spec["podSelector"], labels(deployment)):
            yield f"does not select the pods of {name}"
    if not spec["podSelector"]:
        yield "selects other pods of the namespace too"


default_deny.broken_by("one direction", lambda r, _: put(r.policy("school-default-deny"), "policyTypes", ["Ingress"]))
default_deny.broken_by("all allowed", lambda r, _: put(r.policy("school-default-deny"), "egress", [{}]))
default_deny.broken_by("the namespace", lambda r, _: put(r.policy("school-default-deny"), "podSelector", {}))
default_deny.broken_by("a pod left out", lambda r, _: labels(r.client).pop("app.kubernetes.io/part-of"))


def passes(rules, pod_labels):
    """The protocols and ports that rules allow to or from pods of this namespace that have `pod_labels`."""
    return {
        (port["protocol"], port["port"])
        for rule in rules
        for peer in rule.get("to", []) + rule.get("from", [])
        if set(peer) == {"podSelector"} and selects(peer["podSelector"], pod_labels)
        for port in rule["ports"]
    }


@invariant("NetworkPolicies let the client's calls out, and into the server, and nothing else in")
def calls(render, _):
    wanted = {("TCP", port_of(arguments(render.server)["listen"]))}
    out, into = render.policy("manage-service"), render.policy("school-internal")
    if not selects(out["podSelector"], labels(render.client)) or selects(out["podSelector"], labels(render.server)):
        yield "manage-service selects other pods than the client's"
    if not selects(into["podSelector"], labels(render.server)) or selects(into["podSelector"], labels(render.client)):
        yield "school-internal selects other pods than the server's"
    if passes(out["egress"], labels(render.server)) != wanted:
        yield f"out of the client: {passes(out['egress'], labels(render.server))}, wanted {wanted}"
    if passes(into["ingress"], labels(render.client)) != wanted:
        yield f"into the server: {passes(into['ingress'], labels(render.client))}, wanted {wanted}"
    if passes(into["ingress"], BY_HAND) != wanted:
        yield f"into the server, for a command run by hand: {passes(into['ingress'], BY_HAND)}, wanted {wanted}"
    if [len(rule.get("from", [])) for rule in into["ingress"]] != [1] or "egress" in into or "ingress" in out:
        yield "more than calls is allowed"


calls.broken_by("another port out", lambda r, _: put(r.policy("manage-service"), "egress 0 ports 0 port", 80))
calls.broken_by("UDP in", lambda r, _: put(r.policy("school-internal"), "ingress 0 ports 0 protocol", "UDP"))
calls.broken_by("from anywhere", lambda r, _: r.policy("school-internal")["ingress"][0].pop("from"))
calls.broken_by(
    "no commands by hand",
    lambda r, _: put(
        r.policy("school-internal"), "ingress 0 from 0 podSelector matchExpressions 0 values", ["manage-service"]
    ),
)
calls.broken_by("another client", lambda r, _: put(labels(r.client), "app.kubernetes.io/name", "other"))
calls.broken_by(
    "more callers",
    lambda r, _: r.policy("school-internal")["ingress"].append({"from": [{"podSelector": {}}], "ports": []}),
)
calls.broken_by("a server that calls", lambda r, _: put(r.policy("school-internal"), "egress", [{}]))


def dns_rules(render):
    return [
        rule
        for rule in render.policy("manage-service")["egress"]
        if any("namespaceSelector" in peer for peer in rule["to"])
    ]


@invariant("NetworkPolicies let the client ask DNS over UDP and over TCP")
def dns(render, _):
    found = {port["protocol"] for rule in dns_rules(render) for port in rule["ports"] if port["port"] == DNS}
    if found != {"UDP", "TCP"}:
        yield f"port {DNS} is open over {sorted(found)}"


dns.broken_by("UDP alone", lambda r, _: dns_rules(r)[0]["ports"].pop())
dns.broken_by("another port", lambda r, _: put(dns_rules(r)[0], "ports 0 port", 5353))


@invariant("the port for health is the kubelet's alone", "tls")
def health_port(render, _):
    health = port_of(arguments(render.server)["health-listen"])
    for service in render.of("Service"):
        if {health, "health"} & {port["targetPort"] for port in service["spec"]["ports"]}:
            yield f"Service {service['metadata']['name']} leads to it"
    for policy in render.of("NetworkPolicy"):
        rules = policy["spec"].get("ingress", []) + policy["spec"].get("egress", [])
        if health in {port["port"] for rule in rules for port in rule["ports"]}:
            yield f"NetworkPolicy {policy['metadata']['name']} opens it"


health_port.broken_by("a Service", lambda r, _: put(r.service("school-internal"), "ports 0 targetPort", "health"))
health_port.broken_by("a policy", lambda r, _: put(r.policy("school-internal"), "ingress 0 ports 0 port", 50052))
