"""Foreign text as one plain line without any effect: no Markdown, HTML, template, formula or contact."""

import html
import re
import unicodedata

from include.common.contacts import without_contacts
from include.common.wording.personal_data import MARKS

_LONGEST_READ = 8_000  # characters that are read; the rest is dropped before any rule applies

LINK_REMOVED = "(ссылка скрыта)"
_LINK = re.compile(
    r"(?<![a-z0-9+.-])[a-z0-9+.-]*+://\S*|www\.\S*|(?:javascript|vbscript|mailto|tel|sms):\S*|data:\w++/\S*"
    r"|(?<![\w/:])//[\w-]++(?:\.[\w-]++)+\S*|(?<![\w.-])[\w-]++(?:\.[\w-]++)++/\S*",
    re.IGNORECASE,
)
# Similar characters without effect in any renderer; braces because templates are rendered around these texts.
_INERT = str.maketrans("<>[]{}`|\\*~", "‹›()()'//  ")
# The marks of hidden data keep their brackets, unless they could begin a link or a definition
_MARK = re.compile(rf"({'|'.join(map(re.escape, MARKS.values()))})(?![(\[:])")
# Characters that turn a cell into a formula, or a line into a heading, list, quotation or rule.
_LEADING = "=+-–—−@#/%&^:;,.!?'\" "
_FOLDED_ALREADY = re.compile(r"[ !-%'-~А-Яа-яЁё«»—–№…]*+")  # nearly every text; no `&`
_NESTED_ENTITY = re.compile(r"&(?:amp;)++", re.IGNORECASE)
_KEPT_AS_IS = "№…"  # compatibility forms that people write on purpose
NOTES = (*MARKS.values(), LINK_REMOVED)


def plain_line(text: str, limit: int) -> str:
    """One line of plain text without contacts, at most `limit` characters."""
    line = text[:_LONGEST_READ]
    # The result of one rule may match another one; every rule removes something, so this ends.
    while (plainer := _plainer(line)) != line:
        line = plainer
    return line if len(line) <= limit else line[: limit - 3].rstrip() + "..."


def _plainer(text: str) -> str:
    line = _LINK.sub(LINK_REMOVED, inert(folded(text)))
    line = without_contacts(line).replace("_", " ")  # only now: an address may contain it
    return " ".join(line.split()).lstrip(_LEADING)


def inert(text: str) -> str:
    """Of the same length; characters that act in Markdown or HTML are replaced by similar ones."""
    parts = _MARK.split(text)  # marks at odd places
    return "".join(part if at % 2 else part.translate(_INERT) for at, part in enumerate(parts))


def folded(text: str) -> str:
    """One line without entities, controls, invisible and similar characters, which could hide text from the rules."""
    if _FOLDED_ALREADY.fullmatch(text):
        return text
    text = _NESTED_ENTITY.sub("&", text)  # otherwise each level would cost one round below
    while True:
        spaced = "".join(" " if char.isspace() else char for char in text)
        visible = "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
        forms = "".join(char if char in _KEPT_AS_IS else unicodedata.normalize("NFKC", char) for char in visible)
        composed = unicodedata.normalize("NFC", forms)
        bare = "".join(char for char in composed if unicodedata.category(char)[0] != "M")
        unescaped = html.unescape(bare)
        if unescaped == text:
            return unescaped
        text = unescaped


def plain_name(text: str, limit: int = 240) -> str:
    """An id or a person's name for Markdown: without effect like the rest, but with its digits."""
    line = _LINK.sub(LINK_REMOVED, inert(folded(text[:limit])))
    return " ".join(line.split()).replace("_", r"\_")


def framed(body: str, mark: str) -> str:
    """The transcript between two lines that it cannot contain: `mark` is made from its own checksum."""
    return f"=== НАЧАЛО ТЕКСТА {mark} ===\n{body.rstrip()}\n=== КОНЕЦ ТЕКСТА {mark} ==="
