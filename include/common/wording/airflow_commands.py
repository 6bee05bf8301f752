"""Russian texts of the commands `airflow call-export ...`."""

GROUP = "Выгрузка звонков: база состояния, пулы, команды runbook"
MIGRATE = "Привести базу состояния (подключение call_export_db) к схеме этой версии"
POOLS = "Создать недостающие пулы; существующие не меняются"
JOB = "Команда runbook с подключениями этого Airflow: deliver, rebuild, replay, qa, audit, hold, ..."
JOB_NAME = "имя команды; её параметры — airflow call-export job ИМЯ --help"
JOB_ARGUMENTS = "параметры команды"


def migrated(before: str | None, now: str) -> str:
    if before == now:
        return f"Схема базы состояния уже {now}"
    return f"Схема базы состояния: была {before or 'пустая база'}, теперь {now}"


def pool_made(name: str, slots: int) -> str:
    return f"Пул {name}: создан, мест {slots}"


def pool_kept(name: str, slots: int) -> str:
    return f"Пул {name}: есть, мест {slots}; не менялся"
