"""The command line speaks Russian: help and refusals; names of options and codes are as they are."""

import re
from decimal import Decimal

import click
import pytest
from click.testing import CliRunner

from include.calls.domain.run_request import parameter_schemas
from include.calls.policy import load_policy
from jobs import call_export, deliver, qa, rebuild, replay
from jobs.run_options import option_of

ENGLISH = re.compile(r"\b(?!make )[a-z]{2,} [a-z]{2,}\b", re.IGNORECASE)  # two words; names of options have hyphens


def said(*arguments: str, command: click.Command = call_export.main) -> tuple[int, str]:
    done = CliRunner().invoke(command, list(arguments), prog_name="make export")
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--nowhere",), "--nowhere"),
        (("--from",), "--from"),
        (("--from", "2025-13-01"), "period_from"),
        (("--from", "2025-08-02", "--to", "2025-08-01"), "2025-08-02"),
        (("--limit-calls", "-1"), "--limit-calls"),
        (("--dry-run=perhaps",), "--dry-run"),
        (("--key", ""), "--key"),
        (("--key", "k" * 129), "--key"),
        (("--resume",), "--run-id"),
        (("--run-id", "7", "--resume"), "--run-id"),
        (("--replay-dlq",), "--run-id"),
        (("surplus",), "--help"),
    ],
)
def test_a_refusal_is_one_russian_sentence(arguments: tuple[str, ...], names: str) -> None:
    code, output = said(*arguments)
    assert code == 2
    assert names in output
    assert output.count("\n") == 1
    assert not ENGLISH.search(output.replace("true|false", "")), output


def test_a_command_outside_make_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_AIRFLOW_API", raising=False)
    code, output = said("--from", "2025-08-01", "--to", "2025-08-02")
    assert code == 1
    assert "make export" in output
    assert not ENGLISH.search(output.replace("true|false", "")), output


def test_help_is_russian_and_names_every_parameter() -> None:
    code, output = said("--help")
    assert code == 0
    assert {option_of(name) for name in parameter_schemas()} <= set(re.findall(r"--[a-z-]+", output))
    assert not ENGLISH.search(output.replace("true|false", "")), output


OTHERS = pytest.mark.parametrize(
    "command", [deliver.main, qa.main, rebuild.main, replay.main], ids=lambda command: command.callback.__module__
)


@OTHERS
def test_the_help_of_other_commands_is_russian(command: click.Command) -> None:
    code, output = said("--help", command=command)
    assert code == 0
    assert not ENGLISH.search(output.replace("true|false", "").replace("make export", "")), output


@OTHERS
def test_another_command_refuses_in_russian(command: click.Command) -> None:
    code, output = said("--nowhere", command=command)
    assert (code, output.count("\n")) == (2, 1)
    assert "--nowhere" in output
    assert not ENGLISH.search(output), output


def test_a_replay_without_a_model_is_refused() -> None:
    assert said(command=replay.main) == (2, "отклонено: не задан --model\n")


@pytest.mark.parametrize(
    ("model", "connection", "rate", "found"),
    [
        ("gpt-transcribe", "whisper", None, "0.007"),  # the setting
        ("gpt-transcribe", "elsewhere", None, "0.0045"),  # the public tariff
        ("whisper-1", "whisper", None, "0.01"),  # the fallback's setting
        ("gpt-4o-mini-transcribe", "whisper", None, "0.003"),
        ("large-v3", "elsewhere", 0.0, "0"),  # as asked
    ],
)
def test_a_replay_is_forecast_at_the_tariff_of_its_engine(
    model: str, connection: str, rate: float | None, found: str
) -> None:
    stt = load_policy({"WHISPER_RATE_PER_MIN_USD": "0.007", "STT_FALLBACK_MODEL": "whisper-1"}).stt
    stt = stt.model_copy(update={"fallback_rate_per_min_usd": Decimal("0.01")})
    assert replay.rate_of(model, connection, rate, stt) == Decimal(found)


def test_a_rebuild_of_an_unnamed_run_is_refused() -> None:
    assert said(command=rebuild.main) == (2, "отклонено: не задан --run-id\n")
