# Licensed under a 3-clause BSD style license - see LICENSE.rst
import pytest

from astro_vaeclust.cli.detect import _show

from ..example_catalog import make_catalog


def test_without_a_hub_the_error_names_what_to_start(monkeypatch, tmp_path):
    monkeypatch.setenv("SAMP_HUB", "std-lockurl:" + (tmp_path / "samp").as_uri())
    with pytest.raises(ConnectionError, match="ds9 -samp connect"):
        _show(make_catalog(1), field=None, hdu=None)
