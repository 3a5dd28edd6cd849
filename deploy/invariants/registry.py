"""How a check is written down, and how a document is broken to see it fire."""

FILES = "files"
ALL = []

# The render that a check of all of them is tried on.
USUAL = "headless"


class Invariant:
    """A check yields what is wrong. It is of every render, unless it names some; one of FILES sees no render."""

    def __init__(self, title, check, only):
        self.title, self.check, self.only = title, check, only
        self.breakages = []

    def applies_to(self, name):
        return name in self.only if self.only else name != FILES

    @property
    def tried_on(self):
        return self.only[-1] if self.only else USUAL

    def problems(self, render, facts):
        try:
            return list(self.check(render, facts))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            return [f"not as the check needs it: {error!r}"]

    def broken_by(self, what, change):
        """`change(render, facts)` alters copies of both so that this check, if it can fail at all, fails."""
        self.breakages.append((what, change))


def invariant(title, *only):
    def register(check):
        found = Invariant(title, check, only)
        ALL.append(found)
        return found

    return register


def put(tree, path, value):
    """Sets what stands at `path`, whose steps are separated by spaces; numbers are places in a list."""
    *steps, last = path.split()
    for step in steps:
        tree = tree[int(step) if isinstance(tree, list) else step]
    tree[int(last) if isinstance(tree, list) else last] = value


def remove(tree, path):
    *steps, last = path.split()
    for step in steps:
        tree = tree[int(step) if isinstance(tree, list) else step]
    del tree[int(last) if isinstance(tree, list) else last]


def put_argument(container, flag, value):
    """Gives --flag another value, or adds it."""
    words = [word for word in container["args"] if word.partition("=")[0] != f"--{flag}"]
    container["args"] = [*words, f"--{flag}={value}"]


def remove_argument(container, flag):
    container["args"] = [word for word in container["args"] if word.partition("=")[0] != f"--{flag}"]


def replace(facts, path, old, new):
    if old not in facts.files[path]:
        raise AssertionError(f"{path} does not say {old}: the breakage breaks nothing")
    facts.files[path] = facts.files[path].replace(old, new)
