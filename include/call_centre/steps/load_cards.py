"""The scorecards of the package: `scorecards/<card>/v<version>.yaml`."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from include.call_centre.domain.scorecards import Scorecard
from include.common.errors import NotConfigured

FOLDER = Path(__file__).parents[1] / "scorecards"


def newest_cards(names: Iterable[str], folder: Path = FOLDER) -> list[Scorecard]:
    """The newest version of each card. Raises NotConfigured that names the card and what is wrong with it."""
    return [_newest(name, folder) for name in dict.fromkeys(names)]


def all_cards(folder: Path = FOLDER) -> list[Scorecard]:
    """Every version, so that a file that was changed is noticed whichever version is in use."""
    return [read_card(file) for file in sorted(folder.glob("*/v*.yaml"))]


def _newest(name: str, folder: Path) -> Scorecard:
    versions = [card for card in all_cards(folder) if card.card == name]
    if not versions:
        known = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_dir()))
        raise NotConfigured(f"there is no card {name}; known: {known}", problem="card_unknown", card=name, known=known)
    return max(versions, key=lambda card: card.version)


@cache
def read_card(file: Path) -> Scorecard:
    where = f"{file.parent.name}/{file.name}"
    try:
        card = Scorecard.of(yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = f"{place}: {first['msg']}" if place else first["msg"]
        raise _broken(where, reason) from None
    except (yaml.YAMLError, AttributeError, TypeError, OSError, UnicodeDecodeError) as error:
        raise _broken(where, type(error).__name__) from None
    if (card.card, f"v{card.version}.yaml") != (file.parent.name, file.name):
        raise _broken(where, "card and version are not those of the file's path")
    return card


def _broken(where: str, reason: str) -> NotConfigured:
    return NotConfigured(
        f"the card {where} cannot be used: {reason}", problem="card_broken", where=where, reason=reason
    )
