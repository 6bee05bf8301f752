"""A short message to people, in the forms that receivers read: Slack's markup, plain text, HTML."""

import html
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """`icon` is Slack's name of a picture, such as `:x:`; `name` stands behind the links if there is one.

    `more_links` are further addresses with their words.
    """

    icon: str
    headline: str
    sentences: Sequence[str]
    link: str
    link_words: str
    name: str = ""
    more_links: Sequence[tuple[str, str]] = ()

    def as_slack(self) -> str:
        """Slack's mrkdwn; three characters have a meaning in it and are escaped, except in the link."""
        lines = [f"{self.icon} *{_plain(self.headline)}*", *map(_plain, self._said)]
        name = f" · {self.name}" if self.name else ""
        links = " · ".join(f"<{_plain(address)}|{words}>" for address, words in self._links)
        return "\n".join([*lines, f"{links}{name}"])

    def as_text(self) -> str:
        """Without the headline, which is the title of a plain message."""
        links = [f"{words}: {address}" for address, words in self._links]
        return "\n".join([*self._said, *links, *([self.name] if self.name else [])])

    def as_html(self) -> str:
        """A paragraph for each line; nothing is fetched from elsewhere when it is shown."""
        lines = [f"<b>{html.escape(self.headline)}</b>", *(html.escape(each) for each in self._said)]
        lines += [f'<a href="{html.escape(address)}">{html.escape(words)}</a>' for address, words in self._links]
        lines += [f'<span style="color:#777">{html.escape(self.name)}</span>'] if self.name else []
        return "\n".join(f"<p>{line}</p>" for line in lines)

    @property
    def _links(self) -> list[tuple[str, str]]:
        return [(self.link, self.link_words), *self.more_links]

    @property
    def _said(self) -> list[str]:
        return [each for each in self.sentences if each]


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
