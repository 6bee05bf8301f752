"""Russian sentences for errors raised in `include/calls`, `plugins/calls` and `jobs`, by the error's `problem`."""

from include.common import problems
from include.common.errors import ExportError

PROBLEMS: dict[str, str] = {
    "budget_spent": (
        "деньги запуска кончились: потрачено {spent:.2f} USD и {in_progress:.2f} USD в работе из {ceiling:.2f} USD; "
        "купленное сохранено, остальное купит make resume RUN_ID={run_id}: он составит прогноз и спросит согласие"
    ),
    "recordings_in_error": (
        "записей с ошибкой: {count} ({calls}); причины — в реестре и в call_records.error_message, "
        "чтобы повторить, очистите (Clear) эту задачу"
    ),
    "recordings_in_other_tasks": (
        "записей в работе у другой задачи: {count} ({calls}); эта задача вернётся к ним через полминуты"
    ),
    "recordings_waiting": "записей, которые система попробует ещё раз: {count} ({calls})",
    "replay_of_no_run": "replay_dlq задаётся вместе с resume_run_id: чьи записи вернуть из DLQ",
    "run_stopped": "запуск остановлен: {reason}",
    "summaries_failed": (
        "саммари не получилось у {count} записей ({calls}), тексты целы; причины — в call_events, стадия summarize, "
        "чтобы повторить, очистите (Clear) эту задачу"
    ),
    "texts_not_in_storage": (
        "в хранилище нет ни одного прежнего текста: проверьте STORAGE_BACKEND, LOCAL_STORAGE_DIR или S3_BUCKET; если "
        "файлы потеряны насовсем, make deliver FROM={period_from} TO={period_to} запишет тексты из базы заново"
    ),
}


def sentence(error: ExportError) -> str:
    """What an operator reads of the error: one Russian sentence without a full stop at its end."""
    return problems.sentence(error, PROBLEMS)
