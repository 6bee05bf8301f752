"""What the server half of the call browser says: refusals, the history of a call, `make index`."""

from collections.abc import Mapping
from typing import Any

from include.calls.domain.call_event import Event
from include.calls.wording.codes import QA_RESULTS, STAGES, STATUSES
from include.common.russian_format import number

INDEX_HELP = "Тексты, купленные до появления браузера звонков, — в его поиск. Прервать можно в любую минуту."
ANEW_HELP = "Пройти все тексты ещё раз."
REFUSALS = {
    "no_right": "для этого нужно право «{right}»: его выдаёт администратор Airflow",
    "no_rights": "у вас нет прав в браузере звонков: их выдаёт администратор Airflow",
    "other_site": "запрос пришёл со страницы другого сайта и не выполнен",
    "no_such_call": "такого звонка нет",
    "no_such_search": "такого поиска нет: ссылки на поиск живут 30 дней",
    "no_such_run": "такого запуска нет",
    "no_such_file": "у этого запуска такого файла нет",
    "no_text": "у звонка нет текста",
    "no_summary": "у звонка нет саммари",
    "text_ended": "текст удалён: закончился срок хранения",
    "erased": "звонок стёрт по требованию",
    "no_audio": "у звонка нет записи в хранилище",
    "no_peaks": "волну построить нельзя: запись не декодируется",
    "changed_meanwhile": "пока вы слушали, звонок изменился: посмотрите новый вид и решите ещё раз",
    "text_changed": "пока вы слушали, текст построили заново: оценка относится к тексту, прочтите новый",
    "issue_without_comment": "к замечанию нужен комментарий: что не так",
    "call_in_work": "над звонком сейчас работает выгрузка: повторите через минуту",
    "roles_without_text": "у звонка больше нет текста",
    "roles_not_of_channels": "роли в этом тексте не по каналам: менять местами нечего",
    "roles_without_responses": "ответов распознавателя уже нет: текст строить не из чего",
    "no_such_bundle": "такого набора нет: наборы живут 24 часа, и берёт их тот, кто их собрал",
    "empty_bundle": "по этим условиям звонков нет: собирать нечего",
    "bundle_too_large": "в набор входит не больше {most} звонков, а найдено больше: сузьте условия",
    "no_airflow_dag": "DAG {dag} выключен в Airflow: включите его там, ничего не создано",
    "own_erasure": "решает другой человек: это требование завели вы",
    "not_waiting": "требование уже решено или ещё не ждёт ответа: обновите страницу",
    "said": "{ru}",
    "no_such_erasure": "такого требования нет",
    "no_run_of_call": "звонок не входит ни в один запуск: оценить его нельзя",
    "too_wide": "поиск не уложился в две секунды: уточните слова или сузьте период",
    "busy": "сервер занят: повторите через несколько секунд",
    "copy_is_made": "готовится копия для прослушивания: повторите через несколько секунд",
    "too_many": "слишком много запросов подряд: повторите через минуту",
    "not_noted": "журнал доступа не принял запись, поэтому ничего не показано: повторите через минуту",
    "no_state": "база состояния не отвечает: повторите через минуту",
    "no_storage": "хранилище не отвечает: текст можно читать, звук пока нельзя",
    "bad_cursor": "места, с которого продолжить, в этом списке нет",
    "bad_range": "в записи нет таких байтов",
}
EVENTS = {
    "qa_checked": "оценён: {result}",
    "roles_changed": "роли исправлены",
    "rebuilt": "текст построен заново",
    "text_ended": "текст удалён по сроку хранения",
    "audio_ended": "запись удалена по сроку хранения",
    "recognition_ended": "ответы распознавателя удалены по сроку хранения",
    "files_removed": "файлы удалены",
    "arrived": "запись появилась на портале",
    "summarized": "саммари готово",
}


def indexed(done: int, of: int) -> str:
    return f"в поиске текстов: {number(done)} из {number(of)}"


def event_text(event: Event) -> str:
    """What happened, in words; a kind of event that has no words yet by its name."""
    result = str(event.detail.get("result", ""))
    names: Mapping[Any, str] = STATUSES
    plain = names.get(event.event, event.event.replace("_", " "))
    return EVENTS.get(event.event, plain).format(result=QA_RESULTS.get(result, result))


def stage_name(stage: str) -> str:
    return STAGES.get(stage, stage.replace("_", " "))
