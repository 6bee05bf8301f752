"""Russian sentences about backups: the notes of `call_backup` and what the commands print."""

from include.calls.domain.backup_contents import Manifest
from include.calls.wording import problems
from include.common.errors import ExportError
from include.common.russian_format import number

BACKING_UP = "делаю копию"
VERIFYING = "проверяю копию восстановлением"
ROTATING = "удаляю старые копии"
NOT_CONFIGURED = "Копий нет: задайте в .env BACKUP_URL и BACKUP_KEY (make backup-key), затем make down и make up."


def made(manifest: Manifest) -> str:
    files = f", файлов {number(manifest.files.files)}, новых {number(manifest.files.added)}" if manifest.files else ""
    return f"Копия {manifest.backup_id}: {_size(manifest.bytes)} за {number(manifest.seconds)} с{files}."


def verified(manifest: Manifest, restore_seconds: float, files: int) -> str:
    return (
        f"{made(manifest)} Проверена: базы восстановлены за {number(restore_seconds)} с, все таблицы совпали; "
        f"прочитано файлов — {number(files)}."
    )


def refused(backup_id: str, error: ExportError) -> str:
    return f"Копия {backup_id} не годится: {problems.sentence(error)}."


def restored(manifest: Manifest, rows: int, files: int, seconds: float) -> str:
    return (
        f"Восстановлено из копии {manifest.backup_id} от {manifest.made_at:%Y-%m-%d %H:%M} UTC: "
        f"строк {number(rows)}, файлов {number(files)}, за {number(seconds)} с."
    )


def erased_again(recordings: int) -> str:
    return f"Удалённое по требованию людей удалено снова: записей {number(recordings)}."


def _size(size: int) -> str:
    return f"{number(size / 1e6, 1)} МБ"
