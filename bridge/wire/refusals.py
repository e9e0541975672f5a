"""Why a service does not take a connection's requests."""

from __future__ import annotations

from contract.errors import Problem


class NotAuthorised(Problem):
    """The client's key is not, or no longer, on the service's list."""

    kind = "not_authorised"


class NotGreeted(Problem):
    """A request came before `Hello`."""

    kind = "not_greeted"


class TooManyConnections(Problem):
    """The client has as many connections as it may."""

    kind = "too_many_connections"


class VersionMismatch(Problem):
    """Client and service speak no common version of the protocol."""

    kind = "version_mismatch"
