"""What a request is answered with, whatever happens while it is carried out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

from backend.jobs.failures import as_problems
from bridge.wire.messages import Refused
from bridge.wire.server import Incoming
from contract.errors import Problem

MISTAKES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What Python raises for a mistake of ours. One client's request must not end the jobs of all."""

log = logging.getLogger(__name__)


def reply_of(work: Callable[[], Any], incoming: Incoming) -> Any:
    """What `work` returns, or its error as a refusal."""
    request = type(incoming.body).__name__
    try:
        with as_problems():
            return work()
    except Problem as problem:
        log.info("%s refused: %s", request, problem)
        return Refused(kind=problem.kind, what=problem.what, why=problem.why, remedy=problem.remedy)
    except CancelledError:
        return Refused(kind="stopping", what="The service is ending.", remedy="Ask again when it runs.")
    except OSError as error:
        log.exception("%s failed", request)
        what = f"{error.filename or 'A file of the service'} cannot be used."
        return Refused(kind="system", what=what, why=error.strerror or str(error), remedy="Look into its log.")
    except MISTAKES as error:
        log.critical("%s failed unexpectedly", request, exc_info=True)
        return Refused(
            kind="unexpected",
            what=f"Something unexpected happened ({type(error).__name__}: {error}).",
            why="This is a mistake in the service, not in what you did.",
            remedy="Report it, with the service's log.",
        )
