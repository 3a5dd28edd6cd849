"""What pods run: rights, resources, image, and words of the command."""

import re

from .registry import invariant, put
from .rendered import arguments, container, pod


def variables(deployment):
    return {variable["name"]: variable for variable in container(deployment)["env"]}


def own(deployment):
    return container(deployment)["securityContext"]


@invariant("pods meet the restricted Pod Security Standard, and more")
def restricted(render, _):
    for name, deployment in render.both:
        spec, security = pod(deployment), pod(deployment)["securityContext"]
        its = own(deployment)
        good = {
            "runs as root": security["runAsNonRoot"] is True and security["runAsUser"] > 0,
            "has no seccomp profile": security["seccompProfile"]["type"] == "RuntimeDefault",
            "keeps capabilities": its["capabilities"] == {"drop": ["ALL"]},
            "may escalate": its["allowPrivilegeEscalation"] is False,
            "may write its file system": its["readOnlyRootFilesystem"] is True,
            "has a token": spec["automountServiceAccountToken"] is False,
            "is in the host's namespaces": not {"hostNetwork", "hostPID", "hostIPC"} & set(spec),
            "has its own way out": not {"runAsUser", "runAsNonRoot", "seccompProfile", "privileged"} & set(its),
        }
        yield from (f"{name} {problem}" for problem, is_good in good.items() if not is_good)


restricted.broken_by("root", lambda r, _: put(pod(r.server), "securityContext runAsUser", 0))
restricted.broken_by("unconfined", lambda r, _: put(pod(r.client), "securityContext seccompProfile type", "Unconfined"))
restricted.broken_by("a capability", lambda r, _: put(own(r.server), "capabilities add", ["NET_RAW"]))
restricted.broken_by("escalation", lambda r, _: own(r.client).pop("allowPrivilegeEscalation"))
restricted.broken_by("a file system", lambda r, _: put(own(r.server), "readOnlyRootFilesystem", False))
restricted.broken_by("a token", lambda r, _: pod(r.client).pop("automountServiceAccountToken"))
restricted.broken_by("the host's network", lambda r, _: put(pod(r.server), "hostNetwork", True))
restricted.broken_by("privileges", lambda r, _: put(own(r.server), "privileged", True))


@invariant("every container asks for CPU and memory and is limited in memory, not in CPU")
def resources(render, _):
    for name, deployment in render.both:
        found = container(deployment)["resources"]
        if set(found["requests"]) != {"cpu", "memory"} or set(found["limits"]) != {"memory"}:
            yield f"{name}: {found}"


resources.broken_by("a limit of CPU", lambda r, _: put(container(r.server), "resources limits cpu", "1"))
resources.broken_by("no request", lambda r, _: container(r.client)["resources"].pop("requests"))


@invariant("every flag is one that the command has")
def known_flags(render, facts):
    for _, deployment in render.both:
        subcommand, *words = container(deployment)["args"]
        known = facts.flags[subcommand]
        for word in words:
            if word.startswith("-") and word.partition("=")[0] not in known:
                yield f"{subcommand} has no {word.partition('=')[0]}"


known_flags.broken_by("a typing error", lambda r, _: container(r.server)["args"].append("--drain-time=20s"))
known_flags.broken_by("another subcommand", lambda r, _: put(container(r.client), "args 0", "loads"))
known_flags.broken_by("a flag taken away", lambda r, f: f.flags["load"].remove("--rate"))


@invariant("every variable in the arguments is set, and the server is called as its pod")
def known_variables(render, _):
    for name, deployment in render.both:
        used = set(re.findall(r"\$\((\w+)\)", " ".join(container(deployment)["args"])))
        for variable in sorted(used ^ set(variables(deployment))):
            yield f"{name}: {variable} is set or used, not both"
    field = variables(render.server)["POD_NAME"]["valueFrom"]["fieldRef"]["fieldPath"]
    if field != "metadata.name" or arguments(render.server)["name"] != "$(POD_NAME)":
        yield "the server's name is not the pod's"


known_variables.broken_by("unset", lambda r, _: put(container(r.client), "env 0 name", "TARGETS"))
known_variables.broken_by(
    "the node's name", lambda r, _: put(container(r.server), "env 0 valueFrom fieldRef fieldPath", "spec.nodeName")
)


@invariant("the image is this version's", "sticky", "tls", "headless")
def image(render, facts):
    for name, deployment in render.both:
        if container(deployment)["image"] != f"evenkeel:{facts.cargo('version')}":
            yield f"{name}: {container(deployment)['image']}"


image.broken_by("no tag", lambda r, _: put(container(r.server), "image", "evenkeel"))
image.broken_by("latest", lambda r, _: put(container(r.client), "image", "evenkeel:latest"))
