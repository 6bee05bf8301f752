"""Russian words of `make reset`."""

from decimal import Decimal

from include.calls.domain.reset_outcomes import ResetFigures, ResetOutcome
from include.common.russian_format import count, dollars, number

HELP = "Начать работу с записями периода заново: тексты будут куплены ещё раз. Без --yes только говорит, что изменится."
FROM_HELP = "Первый день: 2025-08-01."
TO_HELP = "Последний день включительно."
LINE_HELP = "Только эта линия компании, в любом написании."
CALL_HELP = "Только этот звонок: CALL_ID."
YES_HELP = "Сделать, а не только показать."
REASON_HELP = "Почему; уйдёт в журнал доступа."
BY_HELP = "Кто. Пусто: пользователь этой машины."

NOTHING = "Сбрасывать нечего: ничего не изменено."
LEFT_ALONE = "Останутся как есть:"
_LEFT: dict[ResetOutcome, str] = {
    ResetOutcome.UNFINISHED: "не закончены: ими и так займётся следующий запуск",
    ResetOutcome.SHARED: "показывают текст другой записи с теми же байтами: сменится вместе с ним",
    ResetOutcome.AT_WORK: "в работе у запуска, который ещё не кончился: дождитесь его и повторите",
    ResetOutcome.HELD: "на удержании (`make hold`): прежний текст остаётся прежним",
    ResetOutcome.TEXT_ENDED: "текст удалён по сроку хранения: снова не покупается",
    ResetOutcome.WITHOUT_AUDIO: "аудио уже нет: текст есть, а купить его заново не из чего",
}


def _recordings(quantity: int) -> str:
    return count(quantity, "запись", "записи", "записей")


def planned(reset: ResetFigures, forecast: Decimal) -> str:
    paid = f"; за нынешние тексты заплачено {dollars(reset.paid)}" if reset.texts else ""
    return (
        f"Заново: {_recordings(reset.recordings)} (из них с текстом {number(reset.texts)}), "
        f"{number(reset.minutes)} мин, следующий запуск заплатит до {dollars(forecast)}{paid}"
    )


def texts_stay(texts: int, summaries: int) -> str:
    gone = f"; саммари снимутся: {number(summaries)}" if summaries else ""
    return f"Прежние тексты ({number(texts)}) остаются в базе (`transcripts`) и в файлах, пока не куплен новый{gone}"


def above_budget(ceiling: Decimal) -> str:
    return f"Это выше того, что запуск тратит без вопроса ({dollars(ceiling)}): он спросит согласия в Airflow"


def left_alone(figures: ResetFigures) -> str:
    return f"  {_recordings(figures.recordings)} — {_LEFT[figures.outcome]}"


def only_shown(days: str, line: str | None, call_id: str | None) -> str:
    """`days` as they are typed: FROM=2025-08-01 TO=2025-08-31."""
    only = (f' LINE="{line}"' if line else "") + (f' CALL_ID="{call_id}"' if call_id else "")
    return f'Пока ничего не изменено. Сделать: `make reset {days}{only} YES=true REASON="..."`'


def done(recordings: int, days: str) -> str:
    return (
        f"Сброшено: {_recordings(recordings)}. Купит их следующий запуск, в чей период они попадают: ночной — за "
        f"последние 60 дней, раньше — `make export {days}`"
    )
