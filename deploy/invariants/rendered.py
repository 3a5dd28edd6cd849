"""What the checks read: rendered Kubernetes objects, and the files beside them."""

import re
from dataclasses import dataclass

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


@dataclass
class Facts:
    """What is not rendered: files of the checkout by path, flags by subcommand, and the example certificates."""

    files: dict
    flags: dict
    certificates: list

    def cargo(self, key):
        """A key of Cargo.toml's [workspace.package]."""
        return re.search(rf'^{key} = "(.*)"$', self.files["Cargo.toml"], re.MULTILINE)[1]


@dataclass
class Render:
    """One rendered kustomization."""

    name: str
    objects: list

    def of(self, kind):
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind, name):
        for found in self.of(kind):
            if found["metadata"]["name"] == name:
                return found
        raise LookupError(f"no {kind} {name}")

    @property
    def server(self):
        return self.one("Deployment", "school-internal")

    @property
    def client(self):
        return self.one("Deployment", "manage-service")

    @property
    def both(self):
        return (("school-internal", self.server), ("manage-service", self.client))

    def service(self, name):
        return self.one("Service", name)["spec"]

    def policy(self, name):
        return self.one("NetworkPolicy", name)["spec"]


def pod(deployment):
    return deployment["spec"]["template"]["spec"]


def labels(deployment):
    return deployment["spec"]["template"]["metadata"]["labels"]


def container(deployment):
    (only,) = pod(deployment)["containers"]
    return only


def declared_ports(deployment):
    return {port["name"]: port["containerPort"] for port in container(deployment)["ports"]}


def arguments(deployment):
    """The flags, by name without dashes, with their values: every one is written --flag or --flag=value."""
    found = {}
    for word in container(deployment)["args"]:
        if word.startswith("-"):
            flag, _, value = word.lstrip("-").partition("=")
            found[flag] = value
    return found


def seconds(duration):
    """What the command makes of a duration such as 1m30s."""
    parts = re.findall(r"([0-9.]+)(ms|s|m|h)", duration)
    if "".join(map("".join, parts)) != duration or not parts:
        raise ValueError(f"{duration} is no duration")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def port_of(address):
    return int(address.rpartition(":")[2])


def selects(selector, pod_labels):
    """Whether a selector of labels matches. Of expressions only `In` is known: there are no others."""
    if set(selector) - {"matchLabels", "matchExpressions"}:
        raise ValueError(f"a selector with more than labels and expressions: {selector}")
    for each in selector.get("matchExpressions", []):
        if each["operator"] != "In":
            raise ValueError(f"an expression other than In: {each}")
        if pod_labels.get(each["key"]) not in each["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= pod_labels.items()
