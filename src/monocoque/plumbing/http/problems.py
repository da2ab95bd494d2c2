"""Errors of the one tree as HTTP answers: problem details (RFC 9457).

Rules: a fault of ours or of the machine shows the general sentence of its class, never its own
words, which may name files or values; the whole story is in the log under the same trace id.
"""

from typing import Final

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from monocoque.contracts.errors import (
    DefectError,
    MethodNotAllowed,
    MonocoqueError,
    NotFound,
    RequestMalformed,
    SetupError,
    StorageError,
)

MEDIA_TYPE: Final = "application/problem+json"
DETAIL_CHARACTERS_MAX: Final = 500
FAULTS_SHOWN_MAX: Final = 5

_KEPT_TO_OURSELVES = (DefectError, StorageError, SetupError)


class Problem(BaseModel):
    """Why a request failed; the body of every answer that is not a success."""

    type: str = Field(description="`urn:monocoque:error:` and the code")
    title: str = Field(description="the code in words")
    status: int = Field(description="the HTTP status of this answer")
    detail: str = Field(description="one English sentence on what happened, for engineers")
    code: str = Field(description="the fixed word by which a page chooses its own text")
    may_have_happened: bool = Field(description="could the effect have taken place all the same?")
    temporary: bool = Field(description="may the very same request succeed later?")
    hint: str = Field(description="what a person can do now")
    trace_id: str = Field(description="finds this request in the logs")


def problem_of(error: MonocoqueError, trace_id: str) -> Problem:
    """The body that tells of this error."""
    is_private = isinstance(error, _KEPT_TO_OURSELVES)
    general = (type(error).__doc__ or "").strip().splitlines()[0]
    return Problem(
        type=f"urn:monocoque:error:{error.code}",
        title=error.code.replace("_", " ").capitalize(),
        status=error.http_status,
        detail=(general if is_private else error.what)[:DETAIL_CHARACTERS_MAX],
        code=error.code,
        may_have_happened=error.may_have_happened,
        temporary=error.temporary,
        hint=error.default_hint if is_private else error.hint,
        trace_id=trace_id,
    )


def problem_response(error: MonocoqueError, trace_id: str) -> Response:
    """The answer that tells of this error."""
    headers = {"cache-control": "no-store"}
    if error.http_status == 401:
        headers["www-authenticate"] = "Cookie"
    if error.http_status == 413:
        headers["connection"] = "close"  # the rest of the body is not worth reading
    if error.temporary:
        headers["retry-after"] = "1"
    if isinstance(error.__cause__, HTTPException):
        headers.update(error.__cause__.headers or {})  # such as Allow, beside 405
    return Response(
        problem_of(error, trace_id).model_dump_json(),
        status_code=error.http_status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def translated(error: Exception) -> MonocoqueError:
    """The error of our tree that stands for this one of the framework.

    HTTPException: a route that is not there, or a body that could not be read, in which case the
    cause may already be one of ours. RequestValidationError: the shape is wrong; the sentence names
    fields and never repeats values. Anything else is a mistake of ours.
    """
    if isinstance(error, MonocoqueError):
        return error
    if isinstance(error, RequestValidationError):
        return RequestMalformed(_faults(error))
    if isinstance(error, HTTPException):
        if isinstance(error.__cause__, MonocoqueError):
            return error.__cause__
        if error.status_code == 404:
            return NotFound("There is nothing at this address.")
        if error.status_code == 405:
            return MethodNotAllowed("This address does not take that method.")
        return RequestMalformed("The body of the request could not be read.")
    return DefectError("An error came that no code expected.")


def _faults(error: RequestValidationError) -> str:
    faults = error.errors()[:FAULTS_SHOWN_MAX]
    return "; ".join(
        ".".join(str(step) for step in fault["loc"])[:100] + ": " + str(fault["msg"])[:100]
        for fault in faults
    )
