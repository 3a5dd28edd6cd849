"""The Dockerfile and the README, which must agree with the rest."""

import re

from .registry import FILES, invariant, put, replace
from .rendered import pod

DOCKERFILE = "deploy/Dockerfile"
README = "deploy/README.md"


@invariant("the image holds what the manifests run, as the user that they say")
def user(render, facts):
    found = re.search(r"^USER (.*)$", facts.files[DOCKERFILE], re.MULTILINE)[1]
    for name, deployment in render.both:
        security = pod(deployment)["securityContext"]
        if found != f"{security['runAsUser']}:{security['runAsGroup']}":
            yield f"{name} runs as another user than {found}"


user.broken_by("another user", lambda r, _: put(pod(r.server), "securityContext runAsUser", 1000))
user.broken_by("a name", lambda _, f: replace(f, DOCKERFILE, "USER 65532:65532", "USER nobody"))


@invariant("the image is one binary, built by the script that is tested", FILES)
def dockerfile(_, facts):
    lines = [line for line in facts.files[DOCKERFILE].splitlines() if line and not line.startswith("#")]
    (build,) = (line for line in lines if line.startswith("RUN "))
    if not re.fullmatch(r"RUN deploy/build-static \S+", build):
        yield f"the build is {build}"
    if [line for line in lines if line.startswith("FROM ")][-1] != "FROM scratch":
        yield "not on an empty file system"
    if lines[-1] != 'ENTRYPOINT ["/evenkeel"]' or f"COPY --from=build {build.split()[-1]} /evenkeel" not in lines:
        yield "what is built is not what runs"


dockerfile.broken_by("its own build", lambda _, f: replace(f, DOCKERFILE, "deploy/build-static", "cargo build"))
dockerfile.broken_by("a second RUN", lambda _, f: replace(f, DOCKERFILE, "FROM scratch", "RUN ls\nFROM scratch"))
dockerfile.broken_by("another base", lambda _, f: replace(f, DOCKERFILE, "FROM scratch", "FROM debian:12"))
dockerfile.broken_by("another file", lambda _, f: replace(f, DOCKERFILE, "/out/evenkeel /", "/bin/evenkeel /"))


@invariant("the image is built by a Rust that is new enough", FILES)
def rust(_, facts):
    found = re.search(r"^FROM rust:(\d+)\.(\d+)-", facts.files[DOCKERFILE], re.MULTILINE)
    needed = facts.cargo("rust-version").split(".")
    if tuple(map(int, found.groups())) < tuple(map(int, needed[:2])):
        yield f"{found[0]}, needed is {'.'.join(needed)}"


rust.broken_by("an old one", lambda _, f: replace(f, DOCKERFILE, "FROM rust:1.", "FROM rust:1.8-x1."))
rust.broken_by("any", lambda _, f: replace(f, DOCKERFILE, "FROM rust:1.", "FROM rust:latest-1."))


@invariant("the README and the Dockerfile name this version, and files that are there", FILES)
def names(_, facts):
    text = facts.files[README] + facts.files[DOCKERFILE]
    for version in sorted(set(re.findall(r"evenkeel:([\w.]+\w)", text)) - {facts.cargo("version")}):
        yield f"evenkeel:{version}"
    for path in sorted(set(re.findall(r"\bdeploy/[\w./-]*\w", text))):
        if path not in facts.files:
            yield f"no {path}"


names.broken_by("another version", lambda _, f: replace(f, "Cargo.toml", 'version = "0.', 'version = "9.'))
names.broken_by("a file that went", lambda _, f: f.files.pop("deploy/overlays/headless"))
