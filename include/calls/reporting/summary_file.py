"""A call's summary as a Markdown file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from include.calls.domain.summaries import CallSummary
from include.calls.wording import summary as words
from include.common.plain_text import plain_name


@dataclass(frozen=True, slots=True)
class SummaryHeader:
    """`started_at` with the portal's offset; `direction` as in `call_records`; `employee` may be empty."""

    call_id: str
    record_id: str
    started_at: datetime
    direction: str
    employee: str
    duration_sec: int
    model: str
    prompt_version: str


def render_summary(header: SummaryHeader, summary: CallSummary) -> str:
    """Ends with a line feed. The call's phone numbers are left out: the registry has them."""
    facts = {
        words.RECORDING: plain_name(header.record_id),
        words.BEGAN: header.started_at.isoformat(timespec="seconds"),
        words.DIRECTION: words.direction(header.direction),
        words.EMPLOYEE: plain_name(header.employee) or words.NO_EMPLOYEE,
        words.DURATION: words.duration(header.duration_sec),
    }
    sections = {
        words.IN_SHORT: [summary.summary],
        words.TOPICS: _bullets(summary.topics),
        words.OBJECTIONS: _bullets(summary.objections),
        words.NEXT_STEPS: _bullets(summary.next_steps),
        words.TAGS: [", ".join(summary.tags) or words.NONE],
    }
    lines = [f"# {words.title(header.call_id)}", "", *(f"- {name}: {value}" for name, value in facts.items())]
    lines.append(f"- {words.written_by(header.model, header.prompt_version)}")
    for title, content in sections.items():
        lines += ["", f"## {title}", "", *content]
    return "\n".join(lines) + "\n"


def _bullets(items: Sequence[str]) -> list[str]:
    return [f"- {item}" for item in items] or [words.NONE]
