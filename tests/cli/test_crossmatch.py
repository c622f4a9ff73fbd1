# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Clusters are looked up in lists from the shell."""

import pytest

from astro_vaeclust.archives import NoDataError
from astro_vaeclust.catalog import ClusterCatalog
from astro_vaeclust.cli import main

from ..example_catalog import make_catalog


@pytest.fixture(autouse=True)
def clusters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    catalog = make_catalog(3)
    catalog.write("clusters.ecsv")
    center = catalog["sky_center"][1]
    with open("mine.csv", "w") as file:
        file.write(f"name,ra,dec\nA 1,{center.ra.deg},{center.dec.deg}\n")


def test_a_file_says_what_is_known(capsys):
    options = ["--lists", "mine.csv", "--radius", "1arcsec", "--output", "known.ecsv"]
    assert main(["crossmatch", "clusters.ecsv", *options]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[4].split()[-5:-2] == ["A", "1", "0.0"]
    assert captured.err.endswith("vaeclust: 1 of 3 clusters are known\n")
    written = ClusterCatalog.read("known.ecsv")
    assert written["status"].tolist() == ["new", "known", "new"]


def test_tags_are_asked_for_and_a_list_that_is_missing_is_an_error(monkeypatch, capsys):
    asked = []

    def fetch(known, cone):
        asked.append(known.tag)
        raise NoDataError("no such table", service="VizieR")

    monkeypatch.setattr("astro_vaeclust.matching.lookup.fetch_from_vizier", fetch)
    assert main(["crossmatch", "clusters.ecsv", "--lists", "hunt2023"]) == 2
    assert asked == ["hunt2023"]
    assert "VizieR: no such table" in capsys.readouterr().err


def test_a_list_that_is_neither_is_refused(capsys):
    assert main(["crossmatch", "clusters.ecsv", "--lists", "hunt2032"]) == 2
    assert "error: --lists must be tags of bica2003, " in capsys.readouterr().err
