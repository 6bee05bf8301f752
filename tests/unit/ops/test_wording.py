"""The launcher's catalogue: every error has its sentence, every sentence its use, and no Russian stands elsewhere."""

import ast
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.common import errors
from include.common.wording import problems as common
from ops.settings.env_file import Settings
from ops.wording import problems, settings
from tests.kit.paths import ROOT

FILES = sorted(path for path in (ROOT / "ops").rglob("*.py") if ROOT / "ops/wording" not in path.parents)
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
OWN = {"message", "code", "retry_after", "problem"}  # arguments of an error that are not facts


def raised() -> Iterator[ast.Call]:
    """Every error of ours that `ops` makes."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and is_error(node.func.id):
                yield node


def is_error(name: str) -> bool:
    kind = getattr(errors, name, None)
    return isinstance(kind, type) and issubclass(kind, errors.ExportError)


def problem_of(call: ast.Call) -> str:
    return next(str(ast.literal_eval(one.value)) for one in call.keywords if one.arg == "problem")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("call", list(raised()), ids=lambda call: f"{problem_of(call)}-{call.lineno}")
def test_every_error_has_a_sentence_with_its_facts(call: ast.Call) -> None:
    facts = {str(one.arg) for one in call.keywords} - OWN
    sentences = common.PROBLEMS | problems.PROBLEMS
    assert placeholders(sentences[problem_of(call)]) == facts


def test_every_sentence_is_used() -> None:
    shared = common.PROBLEMS.keys() - problems.PROBLEMS.keys()
    assert {problem_of(call) for call in raised()} - shared == problems.PROBLEMS.keys()


def test_every_setting_that_can_be_refused_says_what_it_accepts() -> None:
    """Reviewed values are checked by the policy, which says itself what they accept."""
    free = {name for name, field in Settings.model_fields.items() if field.annotation is str and not field.metadata}
    secrets = {"openai_api_key", "stt_fallback_api_key", "s3_secret_access_key", "backup_s3_secret_access_key"}
    secrets |= {"qtickets_token", "vk_client_secret", "vk_token", "direct_token", "gmail_refresh_token"}
    secrets |= {"anthropic_api_key", "deepseek_api_key", "gemini_api_key", "local_llm_api_key"}
    secrets |= {"ch_password", "ch_admin_password"}
    assert settings.ACCEPTED.keys() == Settings.model_fields.keys() - free - secrets


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_russian_stands_in_the_catalogue_alone(path: Path) -> None:
    assert not CYRILLIC.search(path.read_text(encoding="utf-8"))


def test_the_catalogue_needs_nothing_installed() -> None:
    """`bootstrap.py` reads it before anything is installed."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import ops.wording.launcher; print('include' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
