"""What a request is answered with, whatever happens while it is carried out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

from backend.jobs.failures import full_disk_as_problem
from bridge.wire.messages import Refused
from bridge.wire.server import Incoming
from contract.errors import Problem, Unexpected

MISTAKES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What Python raises for a mistake of ours. One client's request must not end the jobs of all."""

log = logging.getLogger(__name__)


class Stopping(Problem):
    """The service is ending and carries nothing out any more."""

    kind = "stopping"


class FileUnusable(Problem):
    """A file of the service's machine cannot be used, for a reason that only its log explains."""

    kind = "system"


def reply_of(work: Callable[[], Any], incoming: Incoming) -> Any:
    """What `work` returns, or its error as a refusal."""
    request = type(incoming.body).__name__
    try:
        with full_disk_as_problem():
            return work()
    except Problem as problem:
        log.info("%s refused: %s", request, problem)
        return Refused.of(problem)
    except CancelledError:
        return Refused.of(Stopping("The backend is ending.", remedy="Ask again when it runs."))
    except OSError as error:
        log.exception("%s failed", request)
        what = f"{error.filename or 'A file of the backend'} cannot be used."
        return Refused.of(FileUnusable(what, error.strerror or str(error), "Look into its log."))
    except MISTAKES as error:
        log.critical("%s failed unexpectedly", request, exc_info=True)
        return Refused.of(
            Unexpected(
                f"Something unexpected happened ({type(error).__name__}: {error}).",
                "This is a mistake in the backend, not in what you did.",
                "Report it, with the backend's log.",
            )
        )
