"""A stranger's text as one plain line in which nothing acts (D30): no Markdown, HTML, template, formula, contact."""

import html
import re
import unicodedata

from include.common.contacts import ADDRESS_REMOVED, NUMBER_REMOVED, without_contacts

_LONGEST_READ = 8_000  # characters that are looked at before anything is cut

LINK_REMOVED = "(ссылка скрыта)"
_LINK = re.compile(
    r"(?<![a-z0-9+.-])[a-z0-9+.-]*+://\S*|www\.\S*|(?:javascript|vbscript|mailto|tel|sms):\S*|data:\w++/\S*"
    r"|(?<![\w/:])//[\w-]++(?:\.[\w-]++)+\S*|(?<![\w.-])[\w-]++(?:\.[\w-]++)++/\S*",
    re.IGNORECASE,
)
# Look-alikes that no renderer acts upon; braces because templates are rendered around these texts.
_INERT = str.maketrans("<>[]{}`|\\*~", "‹›()()'//  ")
# What makes a formula of a cell, or a heading, list, quote or rule of a line.
_LEADING = "=+-–—−@#/%&^:;,.!?'\" "
_NESTED_ENTITY = re.compile(r"&(?:amp;)++", re.IGNORECASE)
_KEPT_AS_IS = "№…"  # compatibility forms that people write on purpose
NOTES = (NUMBER_REMOVED, ADDRESS_REMOVED, LINK_REMOVED)


def plain_line(text: str, limit: int) -> str:
    """One line of inert text without contacts, at most `limit` characters."""
    line = text[:_LONGEST_READ]
    # What one rule leaves may be what another looks for; every rule takes away, so this ends.
    while (plainer := _plainer(line)) != line:
        line = plainer
    return line if len(line) <= limit else line[: limit - 3].rstrip() + "..."


def hidden_contacts(text: str) -> str:
    """The text as it was said, without contacts: for files, where personal data is to be hidden.

    Only a text that holds one is changed, and then its look-alikes and entities are folded, too.
    """
    folded = _folded(text).translate(_INERT)
    hidden = without_contacts(folded)
    return text if hidden == folded else hidden


def _plainer(text: str) -> str:
    line = _LINK.sub(LINK_REMOVED, _folded(text).translate(_INERT))
    line = without_contacts(line).replace("_", " ")  # only now: an address may contain it
    return " ".join(line.split()).lstrip(_LEADING)


def _folded(text: str) -> str:
    """Without entities, controls, invisible characters and look-alikes that would hide something from the rules."""
    text = _NESTED_ENTITY.sub("&", text)  # else each level would cost one round below
    while True:
        spaced = "".join(" " if char.isspace() else char for char in text)
        visible = "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
        forms = "".join(char if char in _KEPT_AS_IS else unicodedata.normalize("NFKC", char) for char in visible)
        composed = unicodedata.normalize("NFC", forms)
        bare = "".join(char for char in composed if unicodedata.category(char)[0] != "M")
        folded = html.unescape(bare)
        if folded == text:
            return folded
        text = folded


def plain_name(text: str, limit: int = 240) -> str:
    """An id or a person's name for Markdown: inert like the rest, but its digits are kept."""
    line = _LINK.sub(LINK_REMOVED, _folded(text[:limit]).translate(_INERT))
    return " ".join(line.split()).replace("_", r"\_")
