"""Prints the arguments of a rendered Deployment's container, one a line, variables that have a value filled in.

usage: pod_arguments.py RENDERED DEPLOYMENT
"""

import sys
from pathlib import Path

import yaml
from invariants.rendered import Render, container


def main():
    path = Path(sys.argv[1])
    found = container(Render(path.stem, list(yaml.safe_load_all(path.read_text()))).one("Deployment", sys.argv[2]))
    for word in found["args"]:
        for variable in found["env"]:
            word = word.replace(f"$({variable['name']})", variable.get("value", f"$({variable['name']})"))
        print(word)


if __name__ == "__main__":
    main()
