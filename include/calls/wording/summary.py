"""Russian words of a summary file."""

from include.calls.wording.codes import DIRECTIONS
from include.common.plain_text import plain_name

RECORDING = "Запись"
BEGAN = "Начало"
DIRECTION = "Направление"
EMPLOYEE = "Сотрудник"
DURATION = "Длительность"
IN_SHORT = "Кратко"
TOPICS = "Темы"
OBJECTIONS = "Возражения"
NEXT_STEPS = "Следующие шаги"
TAGS = "Теги"
NONE = "нет"
NO_EMPLOYEE = "не указан"


def title(call_id: str) -> str:
    return f"Звонок {plain_name(call_id)}"


def direction(code: str) -> str:
    return DIRECTIONS.get(code, "не указано")


def duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} мин {rest:02} с"


def written_by(model: str, prompt_version: str) -> str:
    return f"Составила модель {plain_name(model)} ({prompt_version}): важное сверяйте с текстом звонка"
