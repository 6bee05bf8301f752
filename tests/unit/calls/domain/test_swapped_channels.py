"""A phone line whose "client" answers its calls has its channels swapped."""

from include.calls.domain.swapped_channels import SwappedLine, swapped_lines
from include.speech.speaker_roles import SpeakerSigns

SIGNS = SpeakerSigns(("Ромашка",), ("чем могу помочь",), ("я звоню",), enough=3)
RIGHT = "[00:00:01] [Оператор]: «Ромашка», чем могу помочь?\n[00:00:05] [Клиент]: Я звоню узнать о доставке.\n"
SWAPPED = RIGHT.replace("Оператор", "Х").replace("Клиент", "Оператор").replace("Х", "Клиент")
SILENT = "[00:00:01] [Собеседник]: Алло.\n"


def found(*openings: tuple[str, str]) -> tuple[SwappedLine, ...]:
    return swapped_lines(openings, SIGNS, from_calls=5)


def test_most_calls_decide() -> None:
    right, swapped = [("+7495", RIGHT)], [("+7495", SWAPPED)]
    assert found(*swapped * 4, *right) == (SwappedLine("+7495", 5, 4),)
    assert found(*swapped * 3, *right * 3) == ()
    assert found(*right * 50) == ()


def test_few_calls_prove_nothing() -> None:
    assert found(*[("+7495", SWAPPED)] * 4) == ()


def test_lines_are_judged_apart() -> None:
    calls = [("+7495", SWAPPED)] * 6 + [("+7812", RIGHT)] * 60
    assert found(*calls) == (SwappedLine("+7495", 6, 6),)


def test_texts_without_roles_do_not_count() -> None:
    assert found(*[("+7495", SILENT)] * 9) == ()
