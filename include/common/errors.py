"""Every error the product raises on purpose; the class says what the caller should do.

The message is English, for logs: what happened, to which call or setting, what to do. What an operator reads is the
Russian sentence that a catalogue holds for `problem`, filled with `facts` (`include/common/wording/problems.py`).
Neither contains a URL of the portal, a token or a key: clients cut those out before raising.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """`call_records.error_code`: the codes people filter by; `docs/error_codes.md` explains each."""

    FORBIDDEN_HOST = "forbidden_host"
    MISSING_AUDIO = "missing_audio"
    DOWNLOAD_FAILED = "download_failed"
    NOT_AUDIO = "not_audio"
    CHECKSUM_MISMATCH = "checksum_mismatch"
    AUDIO_TOO_SHORT = "audio_too_short"
    AUDIO_LIMITS = "audio_limits"
    DECODING_DIED = "decoding_died"
    STT_TIMEOUT = "stt_timeout"
    STT_REJECTED = "stt_rejected"
    STT_UNAVAILABLE = "stt_unavailable"
    STT_QUOTA = "stt_quota"
    STORAGE_FAILED = "storage_failed"
    SUMMARY_FAILED = "summary_failed"
    LLM_UNAVAILABLE = "llm_unavailable"
    LLM_NO_ANSWER = "llm_no_answer"
    TEXT_ENDED = "text_ended"
    BAD_ROW = "bad_row"
    INTERNAL = "internal"


class LoadCode(StrEnum):
    """`job_runs.error_code`: why figures of a source are not, or not wholly, in the warehouse."""

    SOURCE_UNAUTHORIZED = "source_unauthorized"
    SOURCE_FORBIDDEN = "source_forbidden"
    SOURCE_THROTTLED = "source_throttled"
    SOURCE_UNAVAILABLE = "source_unavailable"
    SOURCE_BAD_ANSWER = "source_bad_answer"
    FILTER_IGNORED = "filter_ignored"
    PAGING_UNSTABLE = "paging_unstable"
    REPORT_NOT_READY = "report_not_ready"
    REPORT_QUEUE_FULL = "report_queue_full"
    UNITS_EXHAUSTED = "units_exhausted"
    TOKEN_LIMIT = "token_limit"  # noqa: S105  a code
    ACCOUNT_GONE = "account_gone"
    SHRUNK_WINDOW = "shrunk_window"
    BAD_ROW = "bad_row"
    SCHEMA_DRIFT = "schema_drift"
    CLICKHOUSE_UNAVAILABLE = "clickhouse_unavailable"
    CLICKHOUSE_REFUSED = "clickhouse_refused"
    LEASE_TAKEN = "lease_taken"
    LOAD_SUPERSEDED = "load_superseded"
    VERIFY_MISMATCH = "verify_mismatch"
    MAIL_AUTH = "mail_auth"
    MAIL_UNPARSED = "mail_unparsed"
    MAIL_UNTRUSTED = "mail_untrusted"
    MAIL_SEND_FAILED = "mail_send_failed"
    MIGRATION_BLOCKED = "migration_blocked"
    BACKUP_FAILED = "backup_failed"
    BACKUP_MISSING = "backup_missing"
    RESTORE_MISMATCH = "restore_mismatch"


class ExportError(Exception):
    """The export could not do what was requested."""

    code: StrEnum = ErrorCode.INTERNAL

    def __init__(
        self, message: str | None = None, *, code: StrEnum | None = None, problem: str = "", **facts: object
    ) -> None:
        """`problem` is a key of a catalogue of Russian sentences; `facts` fill the sentence's placeholders."""
        super().__init__(message or (type(self).__doc__ or "").splitlines()[0])
        if code is not None:
            self.code = code
        self.problem = problem
        self.facts = facts


class Temporary(ExportError):
    """Worth trying again later: a timeout, a 5xx, a cut connection.

    `retry_after` is the server's own hint in seconds, if it gave one.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        code: StrEnum | None = None,
        retry_after: float | None = None,
        problem: str = "",
        **facts: object,
    ) -> None:
        super().__init__(message, code=code, problem=problem, **facts)
        self.retry_after = retry_after


class Throttled(Temporary):
    """The other side asks us to slow down; never counts as an attempt."""


class NotReady(Temporary):
    """The other side still prepares the answer; ask the same again in `retry_after` seconds. Counts as no attempt."""


class ServerFault(Temporary):
    """The server failed on this request with a 500; another request may be answered."""


class Permanent(ExportError):
    """Trying again will not help this recording; the others go on."""


class NotTheRecording(Temporary):
    """A page or nothing came instead of the recording; a portal under maintenance sends the same for every link.

    `promised`: the system has announced the recording's size, so the recording exists.
    """

    code = ErrorCode.DOWNLOAD_FAILED

    def __init__(self, message: str, *, promised: bool) -> None:
        super().__init__(message)
        self.promised = promised


class MissingAudio(Permanent):
    """The recording's link is dead for good: a fact about the portal, not a failure of the export."""

    code = ErrorCode.MISSING_AUDIO


class BadRow(Permanent):
    """A row of the call statistics cannot be read."""

    code = ErrorCode.BAD_ROW


class StopRun(ExportError):
    """Going on would only repeat the failure for every call: the whole run stops and a person is notified."""


class AccessDenied(StopRun):
    """A key or webhook is wrong, expired or lacks a right; no retry repairs it."""


class QuotaExhausted(StopRun):
    """The recogniser's account is out of money or over its spending limit."""

    code = ErrorCode.STT_QUOTA


class BudgetSpent(StopRun):
    """The run has spent what it may spend; a person has to allow more."""


class NotConfigured(StopRun):
    """A setting that the run needs is missing or unusable."""


class ContractBroken(StopRun):
    """The other side responded in an unknown form; using it as data could lose calls."""


class BadInput(ExportError):
    """What a person asked for cannot be done; nothing was created."""
