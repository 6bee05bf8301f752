"""Error codes of the smoke test beside those of the package (`include/common/wording/error_catalogue.py`)."""

from collections.abc import Mapping

from include.common.wording.error_catalogue import PACKAGE, Explained
from include.smoke.domain.judgement import SmokeCode

_NOT = "Нет"
SMOKE: Mapping[str, Explained] = {
    SmokeCode.WER: Explained(
        title="ошибок в словах больше порога",
        category="server",
        severity="major",
        user_message="Распознанный текст отличается от эталона большим числом слов, чем разрешает порог wer плейлиста",
        developer_message="errors / words of the entry, normaliser of the report, exceed thresholds.wer.",
        recommended_checks=(
            "Посмотрите выравнивание записи в alignments.html: чего нет, что лишнее",
            "Сравните с прошлой проверкой: менялись модель, подсказка, нарезка?",
        ),
        retried=_NOT,
    ),
    SmokeCode.CER: Explained(
        title="ошибок в буквах больше порога",
        category="server",
        severity="minor",
        user_message="Слова почти те же, но буквы расходятся с эталоном больше, чем разрешает порог cer плейлиста",
        developer_message="Character errors of the normalised words exceed thresholds.cer.",
        recommended_checks=("Посмотрите выравнивание записи: часто это имена и окончания",),
        retried=_NOT,
    ),
    SmokeCode.ROLES: Explained(
        title="слова не у того собеседника",
        category="server",
        severity="critical",
        user_message="Слова распознаны, но приписаны не тому, кто их сказал, чаще, чем разрешает порог role_error",
        developer_message="Of the matched words, the share under another role exceeds thresholds.role_error.",
        recommended_checks=(
            "Проверьте operator_channel записи и STT_OPERATOR_CHANNEL: похоже, каналы перепутаны",
            "У моно ролей нет: уберите их из эталона",
        ),
        retried=_NOT,
    ),
    SmokeCode.COST: Explained(
        title="запись дороже порога",
        category="client",
        severity="major",
        user_message="Распознать эту запись стоит больше, чем разрешает порог cost_usd плейлиста",
        developer_message="Started minutes times the engine's rate exceed thresholds.cost_usd.",
        recommended_checks=("Проверьте тариф движка (WHISPER_RATE_PER_MIN_USD) и длину записи",),
        retried=_NOT,
    ),
    SmokeCode.SLOW: Explained(
        title="распознаётся слишком долго",
        category="dependency",
        severity="minor",
        user_message="Минута звука распознаётся дольше, чем разрешает порог seconds_per_minute плейлиста",
        developer_message="Seconds of the requests per minute of audio exceed thresholds.seconds_per_minute.",
        recommended_checks=("Проверьте нагрузку распознавателя и прокси, повторите с FRESH=true",),
        retried=_NOT,
    ),
    SmokeCode.EXPECTED_MISSING: Explained(
        title="нет эталонного текста",
        category="client",
        severity="major",
        user_message="Файла expected нет в папке плейлиста, или это не текст в UTF-8",
        developer_message="The path of `expected` leads to no readable file inside the playlist's folder.",
        recommended_checks=("Положите эталон в expected/transcripts/ и проверьте путь в playlist.yaml",),
        retried=_NOT,
    ),
    SmokeCode.AUDIO_CHANGED: Explained(
        title="аудио не то, что в плейлисте",
        category="security",
        severity="major",
        user_message="Файла audio нет в папке плейлиста, или его sha256 не тот, что записан в playlist.yaml",
        developer_message="The file is missing, leads out of the folder, is too large, or has another sha256.",
        recommended_checks=("Верните исходный файл или впишите новый sha256, если файл заменили нарочно",),
        retried=_NOT,
    ),
    SmokeCode.UNEXPECTED_SUCCESS: Explained(
        title="вместо ошибки получился текст",
        category="server",
        severity="critical",
        user_message="Запись должна была закончиться ошибкой expect_error, а распознавание дало текст",
        developer_message="An entry with `expect_error` ended in a text.",
        recommended_checks=("Проверьте, что файл всё ещё испорчен так, как задумано", "Проверьте пределы декодера"),
        retried=_NOT,
    ),
}
CATALOGUE: Mapping[str, Explained] = {**PACKAGE, **SMOKE}
