"""How pods come and go: the arithmetic of their end, updates, evictions, places."""

from .registry import invariant, put, put_argument
from .rendered import arguments, container, pod, seconds

# What is left for the process to end after the drain, on a node that is busy.
SPARE = 5
# How late a client may still call a pod that has gone: 1 s until CoreDNS knows, its TTL of 5 s, and evenkeel's 15 %.
DNS_LAG = 1 + 5 * 1.15
SPREAD = dict.fromkeys(("topology.kubernetes.io/zone", "kubernetes.io/hostname"), "ScheduleAnyway")


def sleep(render):
    return container(render.server)["lifecycle"]["preStop"]["sleep"]["seconds"]


def budget(render):
    return render.one("PodDisruptionBudget", "school-internal")["spec"]


@invariant("a pod has time to end: preStop + lame duck + drain + spare")
def grace(render, _):
    flags = arguments(render.server)
    needed = sleep(render) + seconds(flags["lame-duck"]) + seconds(flags["drain-timeout"])
    given = pod(render.server)["terminationGracePeriodSeconds"]
    if given < needed + SPARE:
        yield f"terminationGracePeriodSeconds is {given}, needed are {needed:g} + {SPARE}"


grace.broken_by("a longer sleep", lambda r, _: put(container(r.server), "lifecycle preStop sleep seconds", 11))
grace.broken_by("a longer drain", lambda r, _: put_argument(container(r.server), "drain-timeout", "1m"))
grace.broken_by("a lame duck", lambda r, _: put_argument(container(r.server), "lame-duck", "100ms"))
grace.broken_by("a shorter grace", lambda r, _: put(pod(r.server), "terminationGracePeriodSeconds", 30))


@invariant("a pod goes, and the next one is replaced, only when clients have had time to look the name up")
def dns_lag(render, _):
    ready = render.server["spec"]["minReadySeconds"]
    if sleep(render) < DNS_LAG:
        yield f"the preStop sleep is {sleep(render)} s, clients may need {DNS_LAG:g} s"
    if ready < sleep(render):
        yield f"minReadySeconds is {ready}, less than the preStop sleep's {sleep(render)}"


dns_lag.broken_by("a short sleep", lambda r, _: put(container(r.server), "lifecycle preStop sleep seconds", 5))
dns_lag.broken_by("a quick update", lambda r, _: put(r.server, "spec minReadySeconds", 9))


@invariant("updates and evictions never take more than one pod")
def availability(render, _):
    spec = render.server["spec"]
    rolling = spec["strategy"]["rollingUpdate"]
    if rolling != {"maxSurge": 1, "maxUnavailable": 0}:
        yield f"rollingUpdate is {rolling}"
    if budget(render).get("maxUnavailable") != 1 or budget(render).get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
        yield f"the PodDisruptionBudget is {budget(render)}"
    if spec["replicas"] < 2:
        yield "one pod is nothing to balance over"


availability.broken_by("unavailable pods", lambda r, _: put(r.server, "spec strategy rollingUpdate maxUnavailable", 1))
availability.broken_by("no surge", lambda r, _: put(r.server, "spec strategy rollingUpdate maxSurge", 0))
availability.broken_by("a generous budget", lambda r, _: put(budget(r), "maxUnavailable", 2))
availability.broken_by(
    "unhealthy pods stay", lambda r, _: put(budget(r), "unhealthyPodEvictionPolicy", "IfHealthyBudget")
)
availability.broken_by("one pod", lambda r, _: put(r.server, "spec replicas", 1))


@invariant("pods spread over zones and hosts, and are never Pending for it")
def spread(render, _):
    found = {each["topologyKey"]: each["whenUnsatisfiable"] for each in pod(render.server)["topologySpreadConstraints"]}
    if found != SPREAD:
        yield str(found)


spread.broken_by("zones alone", lambda r, _: pod(r.server)["topologySpreadConstraints"].pop())
spread.broken_by(
    "Pending", lambda r, _: put(pod(r.server), "topologySpreadConstraints 0 whenUnsatisfiable", "DoNotSchedule")
)
