"""The installation's errors for the user: what happened, why, what to do. Standard library only."""

from __future__ import annotations

import errno
from pathlib import Path


class InstallProblem(Exception):
    """Their base class: a stable identifier `kind`, and the sentences `what`, `why` and `remedy`."""

    kind = "install_problem"

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        self.what, self.why, self.remedy = what, why, remedy
        super().__init__(" ".join(part for part in (what, why, remedy) if part))


class BadChoice(InstallProblem):
    """The command is wrong, or a question was not answered."""

    kind = "bad_choice"


class NotInstalled(InstallProblem):
    """There is no installation to update, or nothing to install from."""

    kind = "not_installed"


class NoSpace(InstallProblem):
    """The disk is full, or too small."""

    kind = "no_space"


class InstallationNotPermitted(InstallProblem):
    """The user may not write to a folder of the installation."""

    kind = "not_permitted"


class BadLink(InstallProblem):
    """A folder of the installation is a link to nowhere."""

    kind = "bad_link"


class InTheWay(InstallProblem):
    """A file that the installation did not create is at the path of one of its own."""

    kind = "in_the_way"


class InUse(InstallProblem):
    """An installed program or another installation is running."""

    kind = "in_use"


class BadBundle(InstallProblem):
    """An offline bundle is damaged, incomplete, or made for another kind of machine."""

    kind = "bad_bundle"


class PackagesFailed(InstallProblem):
    """The packages could not be downloaded or installed."""

    kind = "packages_failed"


class SelfCheckFailed(InstallProblem):
    """The new installation does not start."""

    kind = "self_check_failed"


class BadRecord(InstallProblem):
    """The record of installed files cannot be read."""

    kind = "bad_record"


def from_os_error(error: OSError, doing: str) -> InstallProblem:
    """Convert an OSError; `doing` begins the message, for example "DynVFX could not be installed"."""
    path = error.filename if isinstance(error.filename, str | Path) else None
    where = f" ({path})" if path else ""
    why = f"{error.strerror or error}{where}."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(f"{doing}, because the disk is full.", why, "Free some space and run the same command again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        busy = " A program that has the file open may also be the reason: close it." if _is_windows(error) else ""
        return InstallationNotPermitted(
            f"{doing}, because your user may not write there.",
            why + busy,
            "Make your user the owner of the folder (do not use sudo: DynVFX goes into your own folders), "
            "and run the same command again.",
        )
    if error.errno in (errno.ENAMETOOLONG,):
        return InstallationNotPermitted(f"{doing}.", why, "The path of your home folder is too long for this system.")
    return InstallProblem(f"{doing}.", why, "Run the same command again; it starts over cleanly.")


def _is_windows(error: OSError) -> bool:
    """Whether Windows refused to replace or delete an open file."""
    return getattr(error, "winerror", None) is not None
