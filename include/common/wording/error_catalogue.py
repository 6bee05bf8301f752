"""The catalogue of error codes: what each means, whom it concerns, what to check. One source for people and programs.

`docs/error_codes.md` and `docs/testing/error_catalog.json` are made from it: `python -m tests.kit.error_catalogue`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from include.common.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class Explained:
    """`title`, `user_message`, `retried` and `recommended_checks` are Russian, for operators."""

    title: str
    category: Literal["client", "security", "dependency", "server"]
    severity: Literal["minor", "major", "critical"]
    user_message: str
    developer_message: str
    recommended_checks: tuple[str, ...]
    retried: str
    http_status: int | None = None


PACKAGE: Mapping[str, Explained] = {
    ErrorCode.FORBIDDEN_HOST: Explained(
        title="запись на чужом хосте",
        category="security",
        severity="major",
        user_message=(
            "Запись лежит на хосте, которому выгрузка не доверяет: не портал, не его облако, не "
            "`RECORDING_HOSTS`; или имя ведёт в частную сеть"
        ),
        developer_message=(
            "The host of the link is not trusted, or resolves to a private network (include/common/host_guard.py)."
        ),
        recommended_checks=(
            (
                "Если это ваша АТС, впишите её `host` или `host:port` в `RECORDING_HOSTS` и продолжите "
                "запуск. Если хост незнаком, сообщите безопасности"
            ),
        ),
        retried="Нет",
    ),
    ErrorCode.MISSING_AUDIO: Explained(
        title="ссылка на запись мертва",
        category="dependency",
        severity="minor",
        user_message=(
            "Ссылка на запись мертва: 404, 410, запись удалена; вместо аудио пустой файл или в третий раз "
            "страница, а размера портал не называл. Это ответ портала, а не сбой; в ошибки не считается"
        ),
        developer_message="404, 410, a page or zero bytes instead of audio; not an error of the export.",
        recommended_checks=(
            ("Проверьте на портале, жива ли запись и сколько записи хранятся; выгружайте чаще, чем их удаляют"),
        ),
        retried="Нет; продолжение запуска спрашивает портал ещё раз",
    ),
    ErrorCode.DOWNLOAD_FAILED: Explained(
        title="аудио не скачалось",
        category="dependency",
        severity="major",
        user_message=(
            "Аудио не удалось скачать: тайм-аут, 5xx, обрыв, ссылка истекла; портал назвал размер, а "
            "пришла страница или ничего"
        ),
        developer_message="A timeout, a 5xx, a cut connection or an expired link while the audio was fetched.",
        recommended_checks=("Дождитесь портала и продолжите запуск; при частых сбоях — `LOW_RATE=true`",),
        retried="Да, 5/15/30/60/120 с",
    ),
    ErrorCode.NOT_AUDIO: Explained(
        title="файл не читается как аудио",
        category="client",
        severity="minor",
        user_message="Файл скачан, но не читается как аудио",
        developer_message="No allowed demuxer and decoder reads the file (include/speech/audio/decoding.py).",
        recommended_checks=("Прослушайте запись на портале; если там она звучит, передайте файл разработчику",),
        retried="Нет",
    ),
    ErrorCode.CHECKSUM_MISMATCH: Explained(
        title="сохранённое аудио изменилось",
        category="dependency",
        severity="critical",
        user_message=(
            "Сохранённое аудио пропало или не совпадает со своей контрольной суммой, и скачанное заново — тоже"
        ),
        developer_message="The stored audio is missing or its sha256 differs, and so does a fresh download.",
        recommended_checks=("Проверьте хранилище: кто-то удаляет и меняет файлы или диск сбоит",),
        retried="Один раз, сразу: файл скачивается заново",
    ),
    ErrorCode.AUDIO_TOO_SHORT: Explained(
        title="запись короче 0,1 с",
        category="client",
        severity="minor",
        user_message="Запись короче 0,1 с: распознавать нечего",
        developer_message="Less than 0.1 s of samples: recognisers refuse it.",
        recommended_checks=("Ничего; если таких много, проверьте настройки записи в АТС",),
        retried="Нет",
    ),
    ErrorCode.AUDIO_LIMITS: Explained(
        title="запись за пределами разбора",
        category="security",
        severity="major",
        user_message=(
            "Файл за пределами того, что разбирается: частота не 4–192 кГц, больше 8 каналов, длиннее "
            "трёх длительностей звонка и ещё часа (но не 12 часов) или требует слишком много памяти и "
            "времени; что именно, говорит `error_message`"
        ),
        developer_message=(
            "The file exceeds a limit of rate, channels, length, memory or time (include/speech/audio/decoding.py)."
        ),
        recommended_checks=(
            (
                "Прослушайте запись на портале: обычно файл испорчен или подделан. Если запись настоящая, "
                "передайте файл разработчику"
            ),
        ),
        retried="Нет",
    ),
    ErrorCode.DECODING_DIED: Explained(
        title="разбор записи оборвался",
        category="server",
        severity="major",
        user_message=(
            "Процесс, который разбирает запись, погиб (`error_message` называет сигнал) или не ответил. "
            "Задача при этом жива, другие записи продолжаются"
        ),
        developer_message=(
            "The expendable process that decodes was killed or did not answer (include/common/expendable_process.py)."
        ),
        recommended_checks=(
            (
                "Если гибнет всегда на одной записи, прослушайте её и передайте файл разработчику; если на "
                "разных, серверу не хватает памяти"
            ),
        ),
        retried="Да, 10/30/60 с",
    ),
    ErrorCode.STT_TIMEOUT: Explained(
        title="распознаватель не ответил вовремя",
        category="dependency",
        severity="major",
        user_message="Распознаватель не ответил вовремя",
        developer_message="No response within 60 s and the length of the piece, or a 408 or 504.",
        recommended_checks=("Продолжите запуск позже; у медленного сервиса поднимите `STT_TIMEOUT_SECONDS`",),
        retried="Да, 10/30/60 с",
    ),
    ErrorCode.STT_REJECTED: Explained(
        title="распознаватель отверг аудио",
        category="dependency",
        severity="major",
        user_message=(
            "Распознаватель отверг запрос или аудио (400, 413, 422) или дважды ответил 500 на эту запись, "
            "распознавая другие"
        ),
        developer_message="The recogniser refuses the piece with a 4xx; no retry repairs it.",
        recommended_checks=("Прочтите `error_message`; проверьте `STT_MODEL`, прослушайте запись",),
        retried="Нет",
    ),
    ErrorCode.STT_UNAVAILABLE: Explained(
        title="распознаватель недоступен",
        category="dependency",
        severity="major",
        user_message="Распознаватель или прокси недоступен, ограничивает скорость, ответил не тем",
        developer_message="5xx, a connection error, a page instead of JSON, or a request to slow down.",
        recommended_checks=("Проверьте сервис и `CHATGPT_PROXY_URL`, затем продолжите запуск",),
        retried="Да, 10/30/60 с; ограничение скорости попыток не тратит",
    ),
    ErrorCode.STT_QUOTA: Explained(
        title="на счёте распознавателя нет средств",
        category="dependency",
        severity="critical",
        user_message="На счёте распознавателя нет средств или исчерпан лимит трат",
        developer_message="insufficient_quota and its relatives: the run stops at once.",
        recommended_checks=("Пополните счёт или поднимите лимит, затем продолжите запуск",),
        retried="Нет, запуск останавливается сразу",
    ),
    ErrorCode.STORAGE_FAILED: Explained(
        title="хранилище не приняло файл",
        category="dependency",
        severity="critical",
        user_message="Хранилище не приняло или не отдало файл",
        developer_message="The storage refused a read or a write.",
        recommended_checks=("Проверьте место, права, `S3_*` или `LOCAL_STORAGE_DIR`, затем продолжите запуск",),
        retried=("Да, как шаг, на котором это случилось; нет бакета или прав на него — запуск останавливается сразу"),
    ),
    ErrorCode.SUMMARY_FAILED: Explained(
        title="саммари не получилось",
        category="dependency",
        severity="minor",
        user_message=(
            "Саммари или теги не получились; текст звонка есть, запись остаётся `completed`, код — только "
            "в `call_events` и журнале"
        ),
        developer_message="The language model gave no usable summary; the text is complete.",
        recommended_checks=("Продолжите запуск; если повторяется, проверьте `SUMMARY_MODEL`",),
        retried="Да, 10/30/60 с",
    ),
    ErrorCode.LLM_UNAVAILABLE: Explained(
        title="языковые модели сейчас не отвечают",
        category="dependency",
        severity="major",
        user_message=(
            "Ни одного провайдера языковых моделей сейчас нельзя спросить: просят подождать, "
            "или выключатель открыт после отказов подряд"
        ),
        developer_message="Every provider of the task is throttled or its breaker is open; time helps.",
        recommended_checks=("Кто и почему пропускается — `docs/llm_routing.md`",),
        retried="Да, когда провайдер освободится; попытка не считается",
    ),
    ErrorCode.LLM_NO_ANSWER: Explained(
        title="языковая модель не дала ответа",
        category="dependency",
        severity="minor",
        user_message=(
            "Языковая модель отказалась отвечать, дважды ответила не по форме, или текст длиннее, "
            "чем вмещает любой провайдер"
        ),
        developer_message="Refused, answered outside the schema by two providers, rejected, or too long for all.",
        recommended_checks=(
            "Причина — в `llm_requests` и в логе задачи; длинный звонок вместит провайдер с большим `context_tokens`",
        ),
        retried="Нет",
    ),
    ErrorCode.TEXT_ENDED: Explained(
        title="текст удалён по сроку хранения",
        category="server",
        severity="minor",
        user_message=(
            "Срок хранения текста прошёл, и он удалён. Запись без текста, до которой срок дошёл раньше распознавания, "
            "распознана не будет"
        ),
        developer_message="The retention period of the text is over: call_retention ended it, no run buys it again.",
        recommended_checks=("Ничего: сроки — `retention_days` в `policy.yaml`",),
        retried="Нет: снова текст не покупается ни одним запуском",
    ),
    ErrorCode.BAD_ROW: Explained(
        title="строка статистики непонятна",
        category="dependency",
        severity="major",
        user_message=(
            "Строку статистики портала нельзя понять: негодный номер строки, время или номер файла "
            "записи; в реестр она не попадает. Строка без CALL_ID или с незнакомым типом звонка попадает: "
            "`call_id` — `statistics-` и номер строки, направление — `unknown`, запись скачивается"
        ),
        developer_message="A row of the call statistics lacks ID, CALL_ID, time or direction.",
        recommended_checks=(
            ("Строка названа в журнале запуска: передайте её разработчику. Доказательство полноты её учитывает"),
        ),
        retried="Нет",
    ),
    ErrorCode.INTERNAL: Explained(
        title="непредвиденная ошибка",
        category="server",
        severity="critical",
        user_message=(
            "Непредвиденная ошибка самой выгрузки, или задача пять раз подряд гибла на этой записи "
            "(`error_message` говорит, что из двух)"
        ),
        developer_message="An exception that no rule foresees, or five tasks that died on the recording.",
        recommended_checks=(
            (
                "Передайте разработчику лог пачки и `run_id`; после гибелей ищите в системном журнале убитый "
                "процесс (память)"
            ),
        ),
        retried=("Да, как шаг, на котором это случилось; после трёх гибелей — нет, пока человек не очистит задачу"),
    ),
}
