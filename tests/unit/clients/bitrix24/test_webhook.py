"""The webhook's settings are checked before anything is sent, and are never repeated in a message."""

import pytest

from include.clients.bitrix24.webhook import Webhook
from include.common.errors import NotConfigured


@pytest.mark.parametrize("base", ["https://a.bitrix24.ru", "https://A.bitrix24.ru/", "https://a.bitrix24.ru/rest/"])
def test_base_url_with_or_without_rest(base: str) -> None:
    assert Webhook.of(base, "1", "abc").url_of("scope") == "https://a.bitrix24.ru/rest/1/abc/scope.json"


@pytest.mark.parametrize(
    ("base", "user", "token"),
    [
        ("https://a.bitrix24.ru/rest/1/topsecret", "1", "topsecret"),
        ("a.bitrix24.ru", "1", "topsecret"),
        ("ftp://a.bitrix24.ru", "1", "topsecret"),
        ("https://u:topsecret@a.bitrix24.ru", "1", "topsecret"),
        ("https://a.bitrix24.ru:x", "1", "topsecret"),
        ("https://a.bitrix24.ru", "me", "topsecret"),
        ("https://a.bitrix24.ru", "1", "1/topsecret"),
        ("https://a.bitrix24.ru", "1", ""),
    ],
)
def test_bad_settings_do_not_show_the_token(base: str, user: str, token: str) -> None:
    """The message names the setting; its value may be the whole webhook."""
    with pytest.raises(NotConfigured) as raised:
        Webhook.of(base, user, token)
    assert "topsecret" not in str(raised.value)
    assert "B24_" in str(raised.value)
