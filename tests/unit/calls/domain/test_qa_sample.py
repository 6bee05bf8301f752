"""A filled-in QA sample: what spreadsheets save is read, and what cannot be meant is refused by its row."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.calls.domain.qa_sample import MOST_COMMENT_CHARS, filled_in
from include.calls.reporting.qa_table import read_sample, write_sample
from include.common.errors import BadInput
from tests.unit.calls.reporting.report_samples import FOLDER, GOOD

RUN_ID = uuid4()
(ITEM,) = GOOD.qa_sample


def table(*filled, run_id=RUN_ID):
    items = [
        replace(ITEM, call_id=f"call.{number}", record_id=str(number), result=result or None, comment=comment)
        for number, (result, comment) in enumerate(filled, start=1)
    ]
    return write_sample(items, run_id, folder=FOLDER)


def checks(data):
    return [(check.call_id, check.result, check.comment) for check in filled_in(read_sample(data))[1]]


def test_what_was_filled_in_is_read_and_the_rest_passed_over():
    data = table(("ok", ""), ("", ""), ("issue", "роли перепутаны; с 00:12\nи до конца"))
    assert filled_in(read_sample(data))[0] == RUN_ID
    assert checks(data) == [("call.1", "ok", ""), ("call.3", "issue", "роли перепутаны; с 00:12\nи до конца")]


@pytest.mark.parametrize(
    "saved",
    [
        lambda text: text.encode("utf-8"),
        lambda text: text.encode("cp1251"),
        lambda text: text.replace(";", ",").encode("utf-8-sig"),
        lambda text: text.replace(";", "\t").encode("utf-8"),
        lambda text: text.replace("\r\n", "\n").encode("utf-8-sig"),
        lambda text: (text + ";;;;;;;;;;;\r\n").encode("utf-8-sig"),
    ],
)
def test_it_is_read_however_a_spreadsheet_saves_it(saved):
    assert checks(saved(table(("ok", ""), ("issue", "не тот язык")).decode("utf-8-sig"))) == [
        ("call.1", "ok", ""),
        ("call.2", "issue", "не тот язык"),
    ]


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=40).map(str.strip).filter(bool))
def test_ids_and_comments_of_any_kind_come_back(text):
    data = write_sample([replace(ITEM, call_id=text, result="issue", comment=text)], RUN_ID, folder=FOLDER)
    assert checks(data) == [(text, "issue", text)]


@pytest.mark.parametrize("written", ["OK", " ok ", "ок", "Ок"])
def test_ok_is_ok_in_either_alphabet(written):
    assert [result for _, result, _ in checks(table((written, "")))] == ["ok"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (table(("ok", ""), ("хорошо", "")), "#3: result 'хорошо' is neither ok nor issue"),
        (table(("issue", "")), "#2: an issue needs a comment"),
        (table(("", "не слышно")), "#2: a comment without a result"),
        (table(("issue", "а" * (MOST_COMMENT_CHARS + 1))), "#2: the comment has 2001 characters"),
        (table(("ok", "")) + table(("ok", "")).partition(b"\r\n")[2], "#3: the recording of #2 once more"),
        (table(("ok", "")) + table(("ok", ""), run_id=uuid4()).partition(b"\r\n")[2], "#3: another run"),
        (table(("ok", "")).replace(str(RUN_ID).encode(), b"7"), "#2: '7' is no run_id"),
        (table(("ok", "")).replace(b"comment", b"remarks"), "the table needs the columns"),
        (b"", "the table needs the columns"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "the file is no text"),
        (b'a;b\r\n"x', "the file is no CSV table"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_row(data, says):
    with pytest.raises(BadInput, match=says):
        filled_in(read_sample(data))
