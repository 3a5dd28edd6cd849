"""What must be true of the manifests beyond their schemas, by topic; each check with what breaks it beside it."""

from . import files, lifecycle, network, pods, probes, services, tls  # noqa: F401  (importing one registers its checks)
from .registry import ALL, FILES
from .rendered import Facts, Render

__all__ = ["ALL", "FILES", "Facts", "Render"]
