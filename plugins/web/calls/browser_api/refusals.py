"""Refusals of the call browser: one sentence in the reader's language, a status, and when to ask again."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException, Request

from include.common.errors import BadInput, ErrorCode, ExportError, Permanent, Temporary
from plugins.web.calls.browser_api.two_languages import Language, refusal

RETRY_SECONDS = 5


class Refused(Exception):
    """Raised by what serves a request; the route turns it into an answer in the reader's language."""

    def __init__(self, status: int, problem: str, **facts: object) -> None:
        super().__init__(problem)
        self.status, self.problem, self.facts = status, problem, facts

    def answer(self, language: Language) -> HTTPException:
        headers = {"Retry-After": str(RETRY_SECONDS)} if self.status in (429, 503) else None
        return HTTPException(self.status, refusal(self.problem, language, **self.facts), headers)


def language_of(request: Request) -> Language:
    """Russian, unless the reader's program asks for other languages only."""
    asked = request.headers.get("accept-language", "")
    languages = [part.partition(";")[0].strip().lower()[:2] for part in asked.split(",") if part.strip()]
    return "ru" if not languages or "ru" in languages or "*" in languages[0] else "en"


_BAD_INPUT = {
    "browser_bad_cursor": (422, "bad_cursor"),
    **{
        problem: (409, problem)
        for problem in ("roles_without_text", "roles_not_of_channels", "roles_without_responses")
    },
}


@contextmanager
def refusals() -> Iterator[None]:
    """Errors of the database and the storage as refusals."""
    try:
        yield
    except BadInput as error:
        raise Refused(*_BAD_INPUT.get(error.problem or "", (422, "no_such_run"))) from None
    except Temporary as error:
        if error.problem == "statement_took_too_long":
            raise Refused(422, "too_wide") from None
        if error.problem == "call_in_work":
            raise Refused(503, "call_in_work") from None
        raise Refused(503, "no_storage" if error.code is ErrorCode.STORAGE_FAILED else "no_state") from None
    except Permanent as error:
        raise Refused(404, "no_audio" if error.code is ErrorCode.STORAGE_FAILED else "no_peaks") from None
    except ExportError:
        raise Refused(503, "no_state") from None
