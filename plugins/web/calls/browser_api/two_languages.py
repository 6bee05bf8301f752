"""The call browser's sentences in English and in Russian: one for each refusal, the words of a call's history.

The Russian ones are those of the area's catalogue; other languages get the English ones.
"""

from typing import Literal

from include.calls.domain.call_event import Event
from include.calls.wording import browser as russian

Language = Literal["ru", "en"]

REFUSALS = {
    "no_right": "this needs the right “{right}”: an administrator of Airflow grants it",
    "no_rights": "you have no right in the call browser: an administrator of Airflow grants it",
    "other_site": "the request came from a page of another site and was not carried out",
    "no_such_call": "there is no such call",
    "no_such_search": "there is no such search: links to searches live for 30 days",
    "no_such_run": "there is no such run",
    "no_such_file": "the run has no such file",
    "no_text": "the call has no text",
    "no_summary": "the call has no summary",
    "text_ended": "the text is gone: its retention period has ended",
    "erased": "the call was erased on a person's demand",
    "no_audio": "the storage has no recording of the call",
    "no_peaks": "no waveform: the recording cannot be decoded",
    "changed_meanwhile": "the call has changed while you listened: look at it again and decide once more",
    "text_changed": "the text was built anew while you listened: a verdict is about a text, read the new one",
    "issue_without_comment": "an issue needs a comment that says what is wrong",
    "call_in_work": "an export works on the call: ask again in a minute",
    "roles_without_text": "the call has no text any more",
    "roles_not_of_channels": "the roles of this text are not those of channels: there is nothing to swap",
    "roles_without_responses": "the recogniser's responses are gone: there is nothing to build the text from",
    "no_such_bundle": "there is no such bundle: bundles live for 24 hours and are taken by those who asked for them",
    "empty_bundle": "no call fits: there is nothing to put together",
    "bundle_too_large": "a bundle has at most {most} calls, and more were found: narrow the search",
    "no_airflow_dag": "the DAG {dag} is switched off in Airflow: unpause it there, nothing was created",
    "own_erasure": "another person decides: this demand is yours",
    "not_waiting": "the demand is decided or does not wait for an answer yet: reload the page",
    "said": "{en}",
    "no_such_erasure": "there is no such demand",
    "no_run_of_call": "no run has the call: it cannot be judged",
    "too_wide": "the search took more than two seconds: add a word or narrow the period",
    "busy": "the server is busy: ask again in a few seconds",
    "copy_is_made": "a copy for listening is being made: ask again in a few seconds",
    "too_many": "too many requests in a row: ask again in a minute",
    "not_noted": "the audit log took no entry, so nothing is shown: ask again in a minute",
    "no_state": "the state database does not respond: ask again in a minute",
    "no_storage": "the storage does not respond: texts can be read, sound cannot be heard for now",
    "bad_cursor": "cursor: not a place in this list",
    "bad_range": "the recording has no such bytes",
}
EVENTS = {
    "qa_checked": "judged: {result}",
    "roles_changed": "roles were corrected",
    "rebuilt": "the text was built anew",
    "text_ended": "the text has ended with its retention period",
    "audio_ended": "the audio has ended with its retention period",
    "recognition_ended": "the recogniser's responses have ended with their retention period",
    "files_removed": "files were removed",
    "arrived": "the recording has arrived",
    "summarized": "the summary is ready",
}


def refusal(problem: str, language: Language, **facts: object) -> str:
    return (russian.REFUSALS if language == "ru" else REFUSALS)[problem].format(**facts)


def event_text(event: Event, language: Language) -> str:
    """What happened, in words; a kind of event that has no words yet by its name."""
    if language == "ru":
        return russian.event_text(event)
    return EVENTS.get(event.event, event.event.replace("_", " ")).format(result=event.detail.get("result", ""))


def stage_name(stage: str, language: Language) -> str:
    return russian.stage_name(stage) if language == "ru" else stage.replace("_", " ")
