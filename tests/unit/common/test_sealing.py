"""What was sealed opens whole or not at all."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.common.errors import NotConfigured, Permanent
from include.common.sealing import Seal, Sealed, digest_of, new_key

SEAL = Seal(new_key())
LONG = bytes(range(256)) * 1024  # four chunks of 64 KiB


def sealed(plain: bytes, seal: Seal = SEAL) -> bytes:
    out = io.BytesIO()
    assert seal.close(io.BytesIO(plain), out) == digest_of(io.BytesIO(out.getvalue()))
    return out.getvalue()


WHOLE = sealed(LONG)
CHUNK = 64 * 1024 + 16


def opened(data: bytes, seal: Seal = SEAL) -> bytes:
    out = io.BytesIO()
    seal.open(io.BytesIO(data), out, "part")
    return out.getvalue()


@pytest.mark.parametrize("plain", [b"", b"text", LONG, LONG[: 64 * 1024]])
def test_what_goes_in_comes_out(plain: bytes) -> None:
    assert opened(sealed(plain)) == plain


@given(st.data())
@settings(max_examples=40)
def test_a_part_of_it_is_refused(data: st.DataObject) -> None:
    """Cut at the boundary of a chunk too, which is where a plain cipher by chunks would notice nothing."""
    boundaries = [len(WHOLE) - number * CHUNK for number in range(1, 4)]
    length = data.draw(st.integers(0, len(WHOLE) - 1) | st.sampled_from(boundaries))
    with pytest.raises(Permanent, match="part was changed or cut off"):
        opened(WHOLE[:length])


@given(st.data())
@settings(max_examples=40)
def test_one_changed_bit_is_refused(data: st.DataObject) -> None:
    whole = bytearray(WHOLE)
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Permanent):
        opened(bytes(whole))


def test_parts_of_two_files_are_refused() -> None:
    one, other = sealed(LONG), sealed(LONG)
    with pytest.raises(Permanent):
        opened(one[:100_000] + other[100_000:])


def test_another_key_opens_nothing() -> None:
    with pytest.raises(Permanent):
        opened(sealed(b"text"), Seal(new_key()))


def test_a_key_that_is_none_is_refused_without_being_repeated() -> None:
    with pytest.raises(NotConfigured) as caught:
        Seal("AGE-SECRET-KEY-hunter2")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_text_does_not_lie_open() -> None:
    assert b"secret words" not in sealed(b"secret words" * 100)
    assert Sealed(0, digest_of(io.BytesIO()).sha256) == digest_of(io.BytesIO())
