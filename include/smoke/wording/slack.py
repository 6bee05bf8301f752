"""Russian sentences of the smoke test's Slack message."""

GOOD = "Проверка распознавателя пройдена"
BAD = "Проверка распознавателя не пройдена"
NOT_HELD = "Проверка распознавателя не состоялась"
REASON_IN_LOG = "причина — в логе красной задачи"
OPEN_IN_AIRFLOW = "Открыть в Airflow"
ENTRIES = "{engine}: не прошли {failed} из {tested}, WER {wer}, прошлый хороший {before}"
NONE = "—"
