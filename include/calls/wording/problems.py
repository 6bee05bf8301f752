"""Russian sentences for errors raised in `include/calls`, `plugins/calls` and `jobs`, by the error's `problem`."""

from include.common.errors import ExportError
from include.common.wording import problems

PROBLEMS: dict[str, str] = {
    "backfill_of_one_run": (
        "{name} — про один запуск, а догрузка заводит по запуску на каждый день: уберите этот параметр"
    ),
    "browser_bad_cursor": "места, с которого продолжить, в списке звонков нет",
    "foreign_storage": "хранилище принадлежит установке с базой {database}; задайте другой S3_PREFIX,"
    " а если эта база пришла на смену той, удалите из хранилища файл {mark}",
    "foreign_state_database": "в базе {database} таблицы другой системы ({tables}); состоянию нужна своя база",
    "audit_bad_day": "день {text!r} не понят: он пишется так: 2025-08-01",
    "audit_bad_head": "HEAD {text!r} не понят: нужны номер записи и начало её хэша, не короче 8 знаков: 120:9f86d081",
    "backup_differs": "база {database}, восстановленная из копии {backup_id}, отличается от снятой: {tables}",
    "budget_spent": (
        "деньги запуска кончились: потрачено {spent:.2f} USD и {in_progress:.2f} USD в работе из {ceiling:.2f} USD; "
        "купленное сохранено, остальное купит make resume RUN_ID={run_id}: он составит прогноз и спросит согласие"
    ),
    "database_before_release": (
        "база {database} создана до первого выпуска, перенести её нельзя. Начните с пустой: make down, затем уберите "
        "папку var/<профиль>/pg (встроенный PostgreSQL) или укажите в DATABASE_URL пустую базу; "
        "тексты будут куплены заново"
    ),
    "database_not_empty": (
        "база {database} не пуста, копия возвращается только в пустую: ASIDE=true переименует её и вернёт копию на её "
        "место, INTO=имя вернёт базу состояния в другую"
    ),
    "files_not_removed": (
        "хранилище не удалило файлов: {count} ({reasons}); остальное удалено, эти удалит следующая ночь"
    ),
    "erasure_bad_day": "demanded_on — день в виде ГГГГ-ММ-ДД",
    "erasure_bad_number": "erase_number — не номер телефона: внутренний или слишком короткий; ничего не записано",
    "erasure_by_unknown": (
        "Airflow не знает, кто запустил этот DAG, поэтому не сможет отличить второго человека: запустите из интерфейса "
        "или через API под своим именем"
    ),
    "erasure_key_differs": (
        "стёртые звонки и номера ({count}) известны под другим ключом: с этим ключом они вернулись бы. Верните прежний "
        "ключ соединения call_export_erasure (erasure_key в var/<профиль>/secrets.json), потом повторите"
    ),
    "erasure_not_approved": "стирание ещё не согласовано вторым человеком",
    "erasure_of_own_line": (
        "это номер самой компании: стёрлись бы звонки всех, кто на него звонил; назовите номер клиента или CALL_ID"
    ),
    "erasure_of_what": "назовите что-то одно: номер телефона или CALL_ID",
    "erasure_on_hold": (
        "записей под запретом удаления: {count}; ничего не стёрто: снимите запрет или дождитесь его конца и очистите "
        "(Clear) задачу"
    ),
    "erasure_own_answer": (
        "ответил тот, кто запустил: стирание согласует другой человек; вопрос задан снова, на вкладке Required Actions"
    ),
    "erasure_reason_number": "`reason` и asked_by остаются навсегда: не пишите туда номера телефонов",
    "erasure_waits_for_tasks": "звонков в работе у других задач: {count}; сотрутся, когда те кончат, ждать не нужно",
    "erasure_without_reason": "заполните `reason` и asked_by: на каком основании и по чьему требованию",
    "finding_incomplete": "CALL_ID и RESULT задаются вместе: какой звонок прослушан и ok или issue",
    "finding_without_text": (
        "{where}: у запуска {run_id} нет текста звонка {call_id}, запись {record_id}; ничего не записано"
    ),
    "reset_of_nothing": "сбрасывать нечего: записей за эти дни, этой линии или этого звонка нет",
    "reset_reason": "REASON обязателен: почему покупать заново, от 1 до 500 знаков",
    "hold_bad_day": "{text!r} — не день вида 2025-08-01; FROM не позже TO, и нужны оба",
    "hold_ended": "UNTIL={text} уже прошло: удержание не действовало бы ни дня",
    "hold_of_nothing": "удерживать нечего: ни у одной записи нет такого звонка или линии: {text}",
    "hold_one_subject": "за раз — что-то одно: CALL_ID, LINE, FROM вместе с TO или LIFT",
    "hold_reason": "REASON обязателен: почему держать, от 1 до 500 знаков",
    "hold_unknown": "действующего удержания № {hold} нет; список покажет `make hold`",
    "name_of_nobody": "BY — имя человека, от 1 до 200 знаков",
    "no_backup": "копии {asked} во втором месте нет; последние: {known}",
    "no_backup_id": "{backup_id!r} — не номер копии",
    "no_forecast_yet": "прогноза ещё нет: его составляет задача plan",
    "no_migrations": "в установке нет миграций базы: установите систему заново",
    "no_room_for_audio": (
        "в хранилище не хватает {lacking_gb} ГБ для {minutes} мин аудио, ничего не скачано: освободите место или "
        "задайте LOCAL_STORAGE_DIR на другом диске, потом make resume"
    ),
    "no_room_for_backup": (
        "для копии мало места: {place} — свободно {free_gb} ГБ, нужно {needed_gb} ГБ; ничего не записано"
    ),
    "no_run_id": "{run_id!r} — не номер запуска: скопируйте run_id из отчёта или из call_exports",
    "pooler_in_between": "DATABASE_URL ведёт в пулер соединений (`PgBouncer`): миграциям, `init` и копиям нужен сам"
    " сервер PostgreSQL; рабочие процессы могут ходить через пулер",
    "no_state_database": "база выгрузки не отвечает: проверьте её адрес, имя и пароль в DATABASE_URL",
    "no_verified_backup": "во втором месте нет ни одной проверенной копии: make backup сделает её",
    "call_in_work": "над звонком сейчас работает выгрузка: повторите через минуту",
    "roles_without_text": "у звонка больше нет текста",
    "roles_not_of_channels": "роли в этом тексте не по каналам: менять местами нечего",
    "roles_without_responses": "ответов распознавателя уже нет: текст строить не из чего",
    "no_such_phone_line": "у запуска нет текстов линии {phone_line}; его линии: {known}",
    "no_text_of_call": "у запуска {run_id} нет текста звонка {call_id}",
    "pages_instead_of_recordings": (
        "вместо записей приходят страницы, {count} подряд и при каждом повторе: на портале работы или по дороге "
        "отвечает фильтр либо прокси; откройте любую запись на портале и, когда она слышна, продолжите: make resume"
    ),
    "audio_has_no_mask": "В аудио личные данные не скрыть: доставьте его отдельно, без MASK",
    "archive_to_terminal": "архив пишется в стандартный вывод: добавьте > texts.tar",
    "folder_not_there": "в хранилище нет {folder}: какие периоды выгружены, говорит реестр запусков; "
    "тексты в папку периода кладёт make deliver",
    "period_not_known": (
        "эти дни ни разу не выгружались целиком: сначала make export FROM={period_from} TO={period_to}"
    ),
    "postgresql_too_old": "PostgreSQL {found} слишком старый: нужен {needed} или новее",
    "recordings_in_error": (
        "записей с ошибкой: {count} ({calls}); причины — в реестре и в call_records.error_message, "
        "чтобы повторить, очистите (Clear) эту задачу"
    ),
    "recordings_in_other_tasks": (
        "записей в работе у другой задачи: {count} ({calls}); эта задача вернётся к ним через полминуты"
    ),
    "handed_back": "машину останавливают, и задача отдаёт записи другой: {count}",
    "recordings_waiting": "записей, которые система попробует ещё раз: {count} ({calls})",
    "restored_differs": "восстановленная база {database} отличается от снятой: {tables}; не начинайте с неё работу",
    "run_at_work": (
        "запуск {run_id} ещё идёт, над ним работает DAG-запуск {dag_run_id}; дождитесь его конца или остановите его "
        "(runbook, «Остановить запуск»); ничего не изменено"
    ),
    "run_not_listed": "запуск ещё не собрал список звонков: дождитесь задачи list_calls",
    "run_stopped": "запуск остановлен: {reason}",
    "sample_of_another_run": "{file} — выборка запуска {run_id}, а не {asked}",
    "several_recordings": "у звонка {call_id} несколько записей, назовите одну в RECORD_ID: {record_ids}",
    "summaries_failed": (
        "саммари не получилось у {count} записей ({calls}), тексты целы; причины — в call_events, стадия summarize, "
        "чтобы повторить, очистите (Clear) эту задачу"
    ),
    "texts_not_in_storage": (
        "в хранилище нет ни одного прежнего текста: проверьте STORAGE_BACKEND, LOCAL_STORAGE_DIR или S3_BUCKET; если "
        "файлы потеряны насовсем, make deliver FROM={period_from} TO={period_to} запишет тексты из базы заново"
    ),
    "airflow_is_down": "Airflow не отвечает по адресу {address}: запустите его, make up",
    "airflow_refuses": "Airflow не выполнил запрос: HTTP {status}; причина в var/main/logs/api-server.log",
    "airflow_refuses_parameters": "Airflow не принял параметры запуска: сверьте их с таблицей параметров runbook",
    "bad_parameter": "параметр {name} задан неверно: допустимые значения — в таблице параметров runbook",
    "lost_sight_of_run": "Airflow или PostgreSQL не отвечает; {dag_run_id}, возможно, идёт и без этой команды",
    "no_such_run": "запуска {run_id} нет в call_exports: возьмите run_id оттуда или из отчёта",
    "not_through_make": "не задана {name}: вызывайте через make, например make export или make resume",
    "qa_columns": "в таблице нужны столбцы {columns}: возьмите её командой make qa RUN_ID=... OUT=файл.csv",
    "qa_issue_without_comment": "{where}: к замечанию (issue) нужен comment: что не так",
    "qa_long_comment": "{where}: в комментарии {length} знаков, помещается {most}",
    "qa_no_result": "{where}: есть comment, но нет result: впишите ok или issue",
    "qa_no_run_id": "{where}: {text} — не run_id",
    "qa_no_table": "файл не читается как таблица CSV: сохраните его из таблицы в формате CSV",
    "qa_no_text": "файл не текстовый: сохраните его из таблицы в формате CSV",
    "qa_twice": "{where}: эта запись уже есть, смотрите {first}",
    "qa_two_runs": "{where}: другой запуск, чем в строке #2: одна таблица — один запуск",
    "qa_unknown_result": "{where}: result {result} — не ok и не issue",
    "replay_of_nothing": (
        "за {period_from} — {period_to} нет ни одного текста, чьё аудио хранится: слушать нечего; "
        "тексты даёт make export"
    ),
    "replay_over_budget": (
        "прогноз для {engine} {forecast:.2f} USD (вместе с оплаченным раньше) выше бюджета {ceiling:.2f} USD: "
        "задайте LIMIT или короче период, либо поднимите BUDGET_USD; ничего не отправлено"
    ),
    "replay_of_no_run": "replay_dlq задаётся вместе с resume_run_id: чьи записи вернуть из DLQ",
    "resume_of_no_run": "--resume и --replay-dlq задаются вместе с --run-id: какой запуск продолжить",
    "two_keys": "ключ в заголовке Idempotency-Key и в поле idempotency_key разный: нужен один",
}


def sentence(error: ExportError) -> str:
    """What an operator reads of the error: one Russian sentence without a full stop at its end."""
    return problems.sentence(error, PROBLEMS)
