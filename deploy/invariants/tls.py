"""Who speaks TLS, and with which files."""

from .registry import invariant, put, put_argument, remove_argument
from .rendered import arguments, container, pod

KEYS = ("tls.crt", "tls.key", "ca.crt")


def secret(deployment):
    (volume,) = pod(deployment)["volumes"]
    return volume["secret"]


def certificate(deployment, facts):
    """The example certificate that fills a Deployment's Secret."""
    (found,) = (
        each["spec"]
        for each in facts.certificates
        if each["kind"] == "Certificate" and each["spec"]["secretName"] == secret(deployment)["secretName"]
    )
    return found


@invariant("plain text says h2c", "base", "sticky", "headless")
def plain_text(render, _):
    for service in render.of("Service"):
        if service["spec"]["ports"][0].get("appProtocol") != "kubernetes.io/h2c":
            yield f"Service {service['metadata']['name']} does not"
    for name, deployment in render.both:
        if {"tls-cert", "cacert", "tls"} & set(arguments(deployment)):
            yield f"{name} speaks TLS"


plain_text.broken_by("no appProtocol", lambda r, _: r.service("school-internal")["ports"][0].pop("appProtocol"))
plain_text.broken_by("a client with TLS", lambda r, _: put_argument(container(r.client), "cacert", "/etc/tls/ca.crt"))


@invariant("both sides speak TLS and show certificates, and the Services do not say h2c", "tls")
def both_sides(render, _):
    wanted = {
        "school-internal": {"tls-cert", "tls-key", "tls-client-ca"},
        "manage-service": {"cacert", "cert", "key", "authority"},
    }
    for name, deployment in render.both:
        for flag in sorted(wanted[name] - set(arguments(deployment))):
            yield f"{name} lacks --{flag}"
    for service in render.of("Service"):
        if "appProtocol" in service["spec"]["ports"][0]:
            yield f"Service {service['metadata']['name']} has an appProtocol"


both_sides.broken_by("any client", lambda r, _: remove_argument(container(r.server), "tls-client-ca"))
both_sides.broken_by("a client without", lambda r, _: remove_argument(container(r.client), "cert"))
both_sides.broken_by("h2c", lambda r, _: put(r.service("school-internal"), "ports 0 appProtocol", "kubernetes.io/h2c"))


@invariant("files that flags name are mounted from Secrets, and only the process may read them", "tls")
def mounted(render, _):
    for name, deployment in render.both:
        spec, security = pod(deployment), pod(deployment)["securityContext"]
        (mount,) = container(deployment)["volumeMounts"]
        if mount["name"] != spec["volumes"][0]["name"] or mount.get("readOnly") is not True:
            yield f"{name}: {mount}"
        if secret(deployment)["defaultMode"] != 0o440 or security["fsGroup"] != security["runAsGroup"]:
            yield f"{name}: not readable, or by more than the process's group"
        files = {value for value in arguments(deployment).values() if value.startswith("/")}
        if files != {f"{mount['mountPath']}/{key}" for key in KEYS}:
            yield f"{name}: the arguments name {sorted(files)}"
    if secret(render.server)["secretName"] == secret(render.client)["secretName"]:
        yield "the client holds the server's key"


mounted.broken_by("another folder", lambda r, _: put(container(r.server), "volumeMounts 0 mountPath", "/tls"))
mounted.broken_by("another file", lambda r, _: put_argument(container(r.client), "key", "/etc/tls/key.pem"))
mounted.broken_by("for all to read", lambda r, _: put(secret(r.server), "defaultMode", 0o444))
mounted.broken_by("for nobody to read", lambda r, _: pod(r.client)["securityContext"].pop("fsGroup"))
mounted.broken_by("one Secret", lambda r, _: put(secret(r.client), "secretName", "school-internal-tls"))


@invariant("the example certificates fill the Secrets, and name what the client asks for", "tls")
def certificates(render, facts):
    server, client = certificate(render.server, facts), certificate(render.client, facts)
    if "server auth" not in server["usages"] or "client auth" not in client["usages"]:
        yield "a certificate is for the other side"
    authority = arguments(render.client)["authority"]
    if authority not in server["dnsNames"]:
        yield f"no certificate for {authority}"
    if authority not in {service["metadata"]["name"] for service in render.of("Service")}:
        yield f"{authority} is no Service"


certificates.broken_by("no such name", lambda r, f: certificate(r.server, f)["dnsNames"].remove("school-internal"))
certificates.broken_by("another name", lambda r, _: put_argument(container(r.client), "authority", "school"))
certificates.broken_by("another Secret", lambda r, _: put(secret(r.client), "secretName", "other"))
certificates.broken_by("another use", lambda r, f: put(certificate(r.client, f), "usages", ["server auth"]))
