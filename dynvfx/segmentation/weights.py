"""Reading published weights, with errors that say what to do."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError
from hydra.errors import HydraException
from safetensors import SafetensorError

from dynvfx.errors import ModelUnavailable

_UNREADABLE = (OSError, ValueError, RuntimeError, KeyError, SafetensorError, HydraException, pickle.UnpicklingError)


@contextmanager
def read_weights(title: str, source: str) -> Iterator[None]:
    """Turns what goes wrong while `source` is read into ModelUnavailable; `title` names the model for people."""
    try:
        yield
    except _UNREADABLE as error:
        raise _unavailable(title, source, error) from error


def _unavailable(title: str, source: str, error: BaseException) -> ModelUnavailable:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    if any(isinstance(item, GatedRepoError) for item in chain) or "gated repo" in str(error):
        return ModelUnavailable(
            f"{title} asks you to accept its licence first.",
            f"The weights {source} are given only to accounts that did.",
            f"Open https://huggingface.co/{source}, accept the licence, then log in with `hf auth login` on the "
            "machine that runs the backend. Or use grounded-sam2, which needs no account.",
        )
    if any(isinstance(item, (LocalEntryNotFoundError, RepositoryNotFoundError, ConnectionError)) for item in chain):
        return ModelUnavailable(
            f"The weights of {title} ({source}) are not on this machine and could not be fetched.",
            "The network or the model hub cannot be reached, or the name is wrong.",
            "Connect to the network once, or give a folder that holds the weights.",
        )
    reason = " ".join(str(error).split())[:300]
    return ModelUnavailable(
        f"The weights of {title} in {source} cannot be read.",
        reason,
        "Fetch them again, or give another folder.",
    )
