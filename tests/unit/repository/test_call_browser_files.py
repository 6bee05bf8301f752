"""The call browser's files: sentences in two catalogues alone, markup never from strings, others' files unchanged."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest

from include.speech.quality_flags import ReviewReason
from plugins.web.calls.react_apps import FILES, REACT_APPS, STATIC, version_of

MODULES = sorted(FILES.glob("*.js"))
CATALOGUES = {"ru": FILES / "catalogue_ru.js", "en": FILES / "catalogue_en.js"}
CODE = [path for path in MODULES if path not in CATALOGUES.values()]
ENTRY = re.compile(r'(?:^|, |  )(?:"([\w.]+)"|(\w+)): "((?:[^"\\]|\\.)*)"', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|(?<![:<\"'`\w])//[^\n]*", re.DOTALL)
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\{(\w+)")
# `t("key")`, and what is put together: `t(`player.${kind}`)`, `named("flag", code)`
LITERAL = re.compile(
    r"""\bt\(\s*["`]([\w.]+)["`]|\bt\([^()"]*\?\s*"([\w.]+)"\s*:\s*"([\w.]+)"|"((?:keys?|calls)\.[\w.]+)\""""
)
PREFIX = re.compile(r"\bt\(`([\w.]+?)\$\{")
KIND = re.compile(r"""\bnamed\("(\w+)"|kind="(\w+)"|\["\w+", "(\w+)"\]""")


def entries(language: str) -> dict[str, str]:
    text = CATALOGUES[language].read_text(encoding="utf-8")
    found = ENTRY.findall(text.partition("{")[2])
    return {quoted or plain: sentence for quoted, plain, sentence in found}


def code(path: Path) -> str:
    return COMMENT.sub("", path.read_text(encoding="utf-8"))


class TestCatalogues:
    def test_every_flag_has_a_name_and_an_explanation(self) -> None:
        wanted = {f"{kind}.{reason}" for kind in ("flag", "flag_help") for reason in ReviewReason}
        assert wanted <= entries("ru").keys()

    def test_both_have_the_same_keys(self) -> None:
        assert entries("ru").keys() == entries("en").keys()
        assert len(entries("ru")) > 150

    def test_both_take_the_same_facts(self) -> None:
        russian, english = entries("ru"), entries("en")
        differing = {
            key for key in russian if set(PLACEHOLDER.findall(russian[key])) != set(PLACEHOLDER.findall(english[key]))
        }
        assert differing == set()

    def test_a_russian_number_has_three_forms_and_an_english_two(self) -> None:
        for language, forms in (("ru", 3), ("en", 2)):
            for key, sentence in entries(language).items():
                for chosen in re.findall(r"\{\w+((?:\|[^{}|]*)+)\}", sentence):
                    assert chosen.count("|") == forms, f"{language} {key}"

    def test_every_sentence_is_used_and_every_key_exists(self) -> None:
        text = "\n".join(code(path) for path in CODE)
        literal = {key for groups in LITERAL.findall(text) for key in groups if key}
        prefixes = tuple(PREFIX.findall(text)) + tuple(
            f"{kind}." for groups in KIND.findall(text) for kind in groups if kind
        )
        keys = entries("ru").keys()
        assert {key for key in literal if key not in keys and not f"{key}.".startswith(prefixes)} == set()
        assert {key for key in keys if key not in literal and not key.startswith(prefixes)} == set()

    def test_the_english_catalogue_has_no_russian(self) -> None:
        assert [key for key, sentence in entries("en").items() if CYRILLIC.search(sentence)] == []


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
class TestCode:
    def test_no_sentence_outside_the_catalogues(self, path: Path) -> None:
        """Airflow shows the names of the react_apps in one language, and the rule of folding knows ё: no sentences."""
        allowed = {app["name"] for app in REACT_APPS} | {"ё", "е"}
        strings = re.findall(r'"([^"\n]*)"', code(path))
        assert [text for text in strings if CYRILLIC.search(text) and text not in allowed] == []
        between_tags = re.findall(r">([^<>${}`]*[A-Za-zА-Яа-яё]{3,}[^<>${}`]*)</", code(path))
        assert between_tags == []

    def test_no_markup_is_made_of_strings(self, path: Path) -> None:
        for unsafe in (
            "dangerouslySetInnerHTML",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ):
            assert unsafe not in code(path)

    def test_nothing_comes_from_another_server(self, path: Path) -> None:
        assert re.findall(r"https?://", code(path)) == []


MOST_FIRST_BYTES = 60_000
AIRFLOWS_LEVEL = 5  # of its gzip middleware
STATIC_IMPORT = re.compile(r'^(?:import|export) [^;]*?"\./([\w/]+\.js)";', re.MULTILINE)


def with_imports(names: list[str]) -> set[str]:
    """The modules and all that they import before they run; not what they fetch later (`import()`)."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            names += STATIC_IMPORT.findall((FILES / name).read_text(encoding="utf-8"))
    return found


def test_the_list_and_a_call_are_a_small_download() -> None:
    """What a first visit fetches: the modules, the style sheet, one language; as Airflow packs them."""
    first = with_imports(["main.js"])
    assert {"calls_page.js", "call_page.js", "vendor/htm.js"} <= first
    assert not first & {"audit_page.js", "catalogue_ru.js", "catalogue_en.js"}
    files = [*first, "styles.css", "catalogue_ru.js"]  # the longer of the two
    assert sum(len(gzip.compress((FILES / name).read_bytes(), AIRFLOWS_LEVEL)) for name in files) <= MOST_FIRST_BYTES


def test_what_is_fetched_later_is_there() -> None:
    fetched = {name for path in CODE for name in re.findall(r'import\("\./([\w/]+\.js)"\)', code(path))}
    assert {"audit_page.js", "runs_page.js", "erasure_page.js"} <= fetched
    assert [name for name in fetched if not (FILES / name).is_file()] == []


def test_the_files_of_others_are_as_published() -> None:
    page = (FILES / "vendor" / "README.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| ([\w.-]+\.js) \|.*\| ([0-9a-f]{64}) \|$", page, re.MULTILINE))
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (FILES / "vendor").glob("*.js")}
    assert said == found


def test_a_changed_file_is_a_new_version(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1", encoding="utf-8")
    before = version_of(tmp_path)
    (tmp_path / "a.js").write_text("2", encoding="utf-8")
    assert version_of(tmp_path) != before


@pytest.mark.parametrize("app", REACT_APPS, ids=lambda app: str(app["destination"]))
def test_an_app_is_as_airflow_takes_it(app: dict[str, object]) -> None:
    """Relative addresses work behind a prefix; a name that the browser knows already would be shown instead of ours."""
    main = (FILES / "main.js").read_text(encoding="utf-8")
    assert str(app["bundle_url"]) == f"call_export/{STATIC}/main.js"
    assert f'"{app["name"]}"' in main
    assert CYRILLIC.search(str(app["name"]))


def test_names_and_routes_are_unique() -> None:
    for key in ("name", "url_route"):
        values = [app[key] for app in REACT_APPS if key in app]
        assert len(values) == len(set(values))
