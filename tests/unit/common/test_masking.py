"""Phone numbers and keys never reach a log; ids and times do."""

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.common import masking
from include.common.masking import mask_number, mask_phones, scrub_secrets


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+79991234567", "+7 999 *** ** 67"),
        ("89991234567", "+7 999 *** ** 67"),
        ("79991234567", "+7 999 *** ** 67"),
        ("9991234567", "+7 999 *** ** 67"),
        ("8 (495) 123-45-67", "+7 495 *** ** 67"),
        ("+7 999 123 45 67", "+7 999 *** ** 67"),
        ("8-800-555-35-35", "+7 800 *** ** 35"),
        ("8.999.765.43.21", "+7 999 *** ** 21"),
        ("+375 29 123-45-67", "+375 291 *** ** 67"),
        ("звоните 8 999 765 43 21 или 499-123-45-67!", "звоните +7 999 *** ** 21 или +7 499 *** ** 67!"),
        ("from=+74951234567,to=+79997654321", "from=+7 495 *** ** 67,to=+7 999 *** ** 21"),
        ("phone79997654321x", "phone+7 999 *** ** 21x"),
        ("+70000000000", "+7 000 *** ** 00"),
    ],
)
def test_numbers_are_masked_however_they_are_written(text: str, masked: str) -> None:
    assert mask_phones(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "call 11018129443EB80D.1754478570.11438214 started 2025-08-31T19:23:45+03:00",
        "externalCall.716f5c2d9a1b4e6f.1754478570",
        "record 9079, statistics row 1234567, 12345678 ms",
        "run 11111111-2222-4333-8444-555555555555",
        "9000 минут, 54.00 USD, 2025-08-01_2025-08-31",
        "внутренний 102",
    ],
)
def test_ids_times_and_amounts_stay(text: str) -> None:
    assert mask_phones(text) == text


@given(st.integers(900_000_0000, 999_999_9999), st.sampled_from(["+7{}", "8{}", "7{}"]))
@example(9001234567, "8{}")
def test_no_mobile_number_survives(national: int, spelling: str) -> None:
    assert str(national) not in mask_phones(f"номер {spelling.format(national)}.")


PIECES = st.sampled_from(
    [
        "8",
        "+7",
        "+43",
        "810",
        "999",
        "12",
        "3",
        "45-67",
        " ",
        "-",
        "(",
        ")",
        ".",
        "/",
        ":",
        "[00:01:07] ",
        "да",
        "x",
        "\n",
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join))
@example("номер +989601.")
@example("9991234567, +6834000 или 8 999 123-45-67")
def test_only_short_digits_are_skipped(text: str) -> None:
    """Skipping runs that are too short for a number does not change the result."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "_SHORTEST", 1)
        thorough = mask_phones(text)
    assert mask_phones(text) == thorough


def test_no_numbering_plan_has_a_skipped_number() -> None:
    """The library's tables contain all plans: this fails when a new version adds a shorter number."""
    plans = [
        (code, phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region))
        for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
        for region in regions
    ]
    shortest = min(
        len(str(code)) + min(length for length in plan.general_desc.possible_length if length > 0)
        for code, plan in plans
    )
    assert len("+") + shortest == masking._SHORTEST


@given(st.text(max_size=200))
def test_masking_takes_any_text(text: str) -> None:
    mask_phones(scrub_secrets(text))


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+79991234567", "+7 999 *** ** 67"),
        ("84951234567", "+7 495 *** ** 67"),
        ("102", "102"),
        ("", ""),
        ("anonymous", "anonymous"),
        ("sip:79991234567@pbx", "7***67"),
    ],
)
def test_a_field_with_one_number(number: str, masked: str) -> None:
    assert mask_number(number) == masked


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            "GET https://portal.bitrix24.ru/rest/1/abcdef0123456789/voximplant.statistic.get failed",
            "GET https://portal.bitrix24.ru/rest/***/***/voximplant.statistic.get failed",
        ),
        (
            "https://portal.bitrix24.ru/rest/download.json?auth=s3cr3t&token=disk%7Cabc",
            "https://portal.bitrix24.ru/rest/download.json?auth=***&token=***",
        ),
        ("url: /rest/1/abcdef", "url: /rest/***/***"),
        ("http://user:pass@proxy.example:8080 is down", "http://***@proxy.example:8080 is down"),
        ("http://user:p@ss@proxy.example", "http://***@proxy.example"),
        ("postgresql://calls:pw@db/call_export", "postgresql://***@db/call_export"),
        ("next?url=x%26auth%3Ds3cr3t", "next?url=x%26auth%3D***"),
        ("Authorization: Bearer abc.def-ghi123", "Authorization: Bearer ***"),
        ("key sk-proj-AbCd1234EfGh is wrong", "key sk-*** is wrong"),
        ("access_token=abc&other=1", "access_token=***&other=1"),
    ],
)
def test_secrets_are_removed(text: str, clean: str) -> None:
    assert scrub_secrets(text) == clean


def test_plain_sentences_stay() -> None:
    text = "author=Оператор 12, tokens used: 15; mail a@b.example; rest is history; 5 records"
    assert scrub_secrets(text) == text
