"""A digest of a secret shows a change and nothing else."""

from include.common.secret_digest import secret_digest


def test_it_is_of_this_text_under_this_key_and_of_nothing_without_one() -> None:
    assert secret_digest("key", "1234") == secret_digest("key", "1234")
    assert len({secret_digest("key", "1234"), secret_digest("key", "1235"), secret_digest("other", "1234")}) == 3
    assert "1234" not in secret_digest("key", "1234")
    assert secret_digest("", "1234") == ""
