"""Prints the `evenkeel` commands that the documents tell people to type in a cluster, one a line, without `evenkeel`.

usage: guide_commands.py plain|tls

`plain` are those of docs/kubernetes.md up to its step on TLS, and of deploy/README.md; `tls` are those of that step. The
world they are run in has three pods and no patience: where a command follows a `kubectl scale` to five pods, it is asked
to find three, and whatever lasts longer lasts three seconds.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TLS = "\n## Step 7: TLS\n"
# Needs no cluster, and is run as a test of its own.
NOT_HERE = "demo"
PLACES = [(r"-z \S+", "-z 3s"), (r"pods=5", "pods=3"), (r"max-share=0\.3\b", "max-share=0.4")]


def commands(page):
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S):
        for line in block.splitlines():
            command = re.search(r"^(?:kubectl exec \S+ -- /)?evenkeel (.*)$", line)
            if command and not command[1].startswith(NOT_HERE):
                found.append(command[1])
    return found


def main():
    before, after = (ROOT / "docs/kubernetes.md").read_text().split(TLS)
    step, _ = after.split("\n## ", 1)
    readme = (ROOT / "deploy/README.md").read_text()
    for command in commands(before) + commands(readme) if sys.argv[1] == "plain" else commands(step):
        for pattern, instead in PLACES:
            command = re.sub(pattern, instead, command)
        print(command)


if __name__ == "__main__":
    main()
