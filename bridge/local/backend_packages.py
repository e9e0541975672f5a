"""Whether this installation can run a backend (the packages of the extra `backend`), or has the panel only."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution, requires

from contract.errors import Problem

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


class BackendNotInstalled(Problem):
    """The packages that make takes are not installed here."""

    kind = "backend_not_installed"


def missing_packages() -> list[str]:
    """The packages of the extra `backend` that are not installed, in the order of pyproject.toml."""
    return [name for name in _listed("backend") if name not in _listed("panel") and not _is_installed(name)]


def require_backend() -> None:
    """Raise BackendNotInstalled unless this installation can make takes itself."""
    missing = missing_packages()
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise BackendNotInstalled(
            "This machine cannot make takes itself: only the panel is installed.",
            f"These packages are not here: {', '.join(missing[:3])}{more}.",
            "Name the backend of another machine: in the panel's settings, with --backend ADDRESS --backend-key KEY, "
            "or in DYNVFX_BACKEND and DYNVFX_BACKEND_KEY. Or install all of it, in the folder of the program: "
            "python3 run.py install",
        )


def _listed(extra: str) -> list[str]:
    wanted = re.compile(rf"extra\s*==\s*['\"]{extra}['\"]")
    lines = [line for line in requires("dynvfx") or [] if wanted.search(line.partition(";")[2])]
    return [found[0] for line in lines if (found := _NAME.match(line))]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
