"""Why a request is not answered as asked; `console.refused` tells it."""

from __future__ import annotations


class Refusal(Exception):
    """A request that is not answered as asked; the text is for the person who made it."""

    status = 400
    title = "That did not work"


class Unauthorised(Refusal):
    """No token, or none of ours."""

    status = 401
    title = "No valid token"


class Forbidden(Refusal):
    """Their role does not have it, or it was not they who asked."""

    status = 403
    title = "Not allowed"


class NotFound(Refusal):
    """There is no such thing."""

    status = 404
    title = "Not found"


class Conflict(Refusal):
    """Somebody else changed it meanwhile."""

    status = 409
    title = "Changed meanwhile"


class Invalid(Refusal):
    """What was sent cannot be taken."""

    status = 422
    title = "Not taken"


class SignInFirst(Exception):
    """Nobody is signed in; the text is where to go on afterwards."""
