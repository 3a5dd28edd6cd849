"""Checks the rendered manifests: schemas first, then the invariants, then whether each of them can fail.

usage: check_manifests.py --evenkeel COMMAND [--self-test] RENDERED_FOLDER

Prints one line per check and "N passed, M failed" last; exits 1 when one failed.
"""

import argparse
import copy
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import kubernetes_validate
import yaml
from kubernetes_validate import utils

import invariants

# The first that has preStop's `sleep` without a feature gate.
OLDEST = (1, 30)
EXAMPLE = "deploy/overlays/tls/cert-manager.example.yaml"

# The package reads and parses megabytes of schema for each object otherwise.
utils.schema_contents = lru_cache(maxsize=None)(utils.schema_contents)


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def count(self, name, problems):
        if problems:
            self.failed += 1
            print(f"FAILED  {name}: {'; '.join(problems)}")
        else:
            self.passed += 1
            print(f"ok      {name}")


def versions():
    found = {tuple(map(int, version.split(".")[:2])) for version in utils.all_versions()}
    return [f"{major}.{minor}" for major, minor in sorted(found) if (major, minor) >= OLDEST]


def schema_problems(objects, version):
    for each in objects:
        name = f"{each['kind']} {each['metadata']['name']}"
        try:
            kubernetes_validate.validate(each, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{name}: {'.'.join(map(str, error.path))}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{name}: {error.message}"


def flags(evenkeel, subcommand):
    """The long flags that a subcommand's help lists."""
    help_of = [evenkeel, subcommand, "--help"]
    text = subprocess.run(help_of, check=True, capture_output=True, text=True, timeout=60).stdout
    return set(re.findall(r"^ +(?:-\w, )?(--[a-z][a-z0-9-]*)", text, re.MULTILINE))


def read_facts(evenkeel):
    # Folders are there too, with no text: a page may name one.
    files = {str(path): path.read_text() if path.is_file() else "" for path in Path("deploy").rglob("*")}
    files["Cargo.toml"] = Path("Cargo.toml").read_text()
    return invariants.Facts(
        files=files,
        flags={subcommand: flags(evenkeel, subcommand) for subcommand in ("serve", "load")},
        certificates=list(yaml.safe_load_all(files[EXAMPLE])),
    )


def read_renders(folder):
    paths = sorted(folder.glob("*.yaml"))
    return [invariants.Render(path.stem, list(yaml.safe_load_all(path.read_text()))) for path in paths]


def check_schemas(tally, renders):
    for render in renders:
        for version in versions():
            problems = list(schema_problems(render.objects, version))
            tally.count(f"{render.name}: valid for Kubernetes {version}", problems)


def check_invariants(tally, renders, facts):
    for each in invariants.ALL:
        if each.applies_to(invariants.FILES):
            tally.count(each.title, each.problems(None, facts))
        for render in renders:
            if each.applies_to(render.name):
                tally.count(f"{render.name}: {each.title}", each.problems(render, facts))


def blind_to(each, render, facts):
    """Which of a check's breakages it does not see."""
    for what, change in each.breakages:
        broken, beside = copy.deepcopy(render), copy.deepcopy(facts)
        change(broken, beside)
        if not each.problems(broken, beside):
            yield f"it does not see: {what}"


def self_test(tally, renders, facts):
    by_name = {render.name: render for render in renders}
    for each in invariants.ALL:
        render = by_name.get(each.tried_on)
        problems = list(blind_to(each, render, facts))
        if not each.breakages:
            problems = ["nothing is said to break it"]
        elif each.problems(render, facts):
            problems = ["cannot be told while it fails"]
        tally.count(f"can fail, in {len(each.breakages)} ways: {each.title}", problems)
    for what, key, value in (("an unknown field", "replica", 3), ("a wrong type", "replicas", "three")):
        broken = copy.deepcopy(by_name["headless"])
        broken.server["spec"][key] = value
        blind = [version for version in versions() if not list(schema_problems(broken.objects, version))]
        tally.count(f"can fail: schemas ({what})", [f"not seen by {blind}"] if blind else [])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--evenkeel", required=True)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("rendered", type=Path)
    chosen = parser.parse_args()
    renders, facts, tally = read_renders(chosen.rendered), read_facts(chosen.evenkeel), Tally()
    if not chosen.self_test:
        check_schemas(tally, renders)
        check_invariants(tally, renders, facts)
    self_test(tally, renders, facts)
    print(f"{tally.passed} passed, {tally.failed} failed")
    sys.exit(1 if tally.failed else 0)


if __name__ == "__main__":
    main()
