"""Errors of the installation that people read: what happened, why, what to do. Standard library only."""

from __future__ import annotations

import errno
from pathlib import Path


class InstallProblem(Exception):
    """Base of all of them. `kind` is a stable word for programs; `what`, `why` and `remedy` are sentences."""

    kind = "install_problem"

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        self.what, self.why, self.remedy = what, why, remedy
        super().__init__(" ".join(part for part in (what, why, remedy) if part))


class BadChoice(InstallProblem):
    """The command itself is wrong, or a question got no answer."""

    kind = "bad_choice"


class NotInstalled(InstallProblem):
    """There is nothing that could be updated, or nothing to install from."""

    kind = "not_installed"


class NoSpace(InstallProblem):
    """The disk is full, or too small."""

    kind = "no_space"


class InstallationNotPermitted(InstallProblem):
    """This user may not write where something belongs."""

    kind = "not_permitted"


class InTheWay(InstallProblem):
    """A file that the installation did not make stands where one of its own belongs."""

    kind = "in_the_way"


class InUse(InstallProblem):
    """A program that was installed still runs, or another installation does."""

    kind = "in_use"


class BadBundle(InstallProblem):
    """An offline bundle is damaged, incomplete, or made for another kind of machine."""

    kind = "bad_bundle"


class PackagesFailed(InstallProblem):
    """The packages could not be had or not be installed."""

    kind = "packages_failed"


class SelfCheckFailed(InstallProblem):
    """What was installed does not start."""

    kind = "self_check_failed"


class BadRecord(InstallProblem):
    """The record of what was installed cannot be read."""

    kind = "bad_record"


def from_os_error(error: OSError, doing: str) -> InstallProblem:
    """The problem that an operating system's `error` means; `doing` says at what: "DynVFX could not be installed"."""
    path = error.filename if isinstance(error.filename, str | Path) else None
    where = f" ({path})" if path else ""
    why = f"{error.strerror or error}{where}."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(f"{doing}, because the disk is full.", why, "Make room and give the same command again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        busy = " A program that has it open may be the reason as well: close it." if _is_windows(error) else ""
        return InstallationNotPermitted(
            f"{doing}, because your user may not write there.",
            why + busy,
            "Give the folder to your user (do not use sudo: everything belongs into your own folders), "
            "and give the same command again.",
        )
    if error.errno in (errno.ENAMETOOLONG,):
        return InstallationNotPermitted(f"{doing}.", why, "The path of your home folder is too long for this system.")
    return InstallProblem(f"{doing}.", why, "Give the same command again; it goes on cleanly.")


def _is_windows(error: OSError) -> bool:
    """Whether the error is one of Windows, where open files cannot be replaced or deleted."""
    return getattr(error, "winerror", None) is not None
