# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What is kept of the answers of archives."""

import pytest

from astro_vaeclust.archives import cache as cache_module
from astro_vaeclust.archives import clear_cache, conf
from astro_vaeclust.archives.cache import cache_size
from astro_vaeclust.archives.exceptions import ArchiveFormatError


def remember(content, *, fail=False, key="q"):
    asked = []

    def produce():
        asked.append(1)
        return content

    def decode(stored):
        if not stored or stored.startswith(b"bad"):
            raise ArchiveFormatError("bad")
        return stored

    return cache_module.remember("service", key, produce, decode), len(asked)


def test_good_answers_are_kept_and_bad_ones_are_not(empty_cache):
    with pytest.raises(ArchiveFormatError):
        remember(b"bad")
    assert cache_size() == 0
    assert remember(b"good") == (b"good", 1)
    assert remember(b"better") == (b"good", 0)
    assert remember(b"other", key="../../escape") == (b"other", 1)
    folder = cache_module.cache_folder()
    assert folder.is_relative_to(empty_cache)
    assert {path.suffix for path in folder.iterdir()} == {".answer"}
    assert cache_size() > 0
    clear_cache()
    assert cache_size() == 0
    assert remember(b"better") == (b"better", 1)
    with conf.set_temp("use_cache", False):
        assert remember(b"new") == (b"new", 1)


@pytest.mark.parametrize("damage", [b"", b"bad data"])
def test_damaged_entries_are_replaced(empty_cache, damage, caplog):
    remember(b"good")
    (entry,) = cache_module.cache_folder().iterdir()
    entry.write_bytes(damage)
    assert remember(b"again") == (b"again", 1)
    assert "cannot use a cached answer" in caplog.text
    assert remember(b"later") == (b"again", 0)


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(empty_cache, caplog):
    folder = cache_module.cache_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    assert remember(b"good") == (b"good", 1)
    assert "cache" in caplog.text


# The local archive
