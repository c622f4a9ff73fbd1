# Licensed under a 3-clause BSD style license - see LICENSE.rst
import pytest

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.measure.columns import table_digest
from astro_vaeclust.measure.verdicts import agreement

from ..example_catalog import make_catalog

HEAD = "id,ra,dec,digest,verdict,note,person,time\n"


@pytest.fixture
def catalog():
    return ClusterCatalog(make_catalog(3).table)


def write(path, rows, catalog, head=HEAD):
    digest = table_digest(catalog.table)
    path.write_text(head + "".join(f"{n},1,2,{digest},{rest}\n" for n, rest in rows))
    return path


@pytest.mark.parametrize("suffix", ["ecsv", "fits", "vot", "parquet"])
def test_verdicts_survive_every_format(catalog, tmp_path, suffix):
    again = tmp_path / f"again.{suffix}"
    catalog.write(again)
    catalog = ClusterCatalog.read(again)
    path = write(tmp_path / "a.csv", [(2, "accept,good,Ada,1")], catalog)
    vetted = catalog.vetted(path)
    target = tmp_path / f"vetted.{suffix}"
    vetted.write(target)
    read = ClusterCatalog.read(target)
    assert [str(v) for v in read["verdict"]] == ["", "accept", ""]
    assert str(read["verdict_note"][1]) == "good"
    assert str(read["verdict_by"][1]) == "Ada"
    assert table_digest(read.table) == table_digest(make_catalog(3).table)


def test_later_verdict_of_one_person_counts(catalog, tmp_path):
    rows = [(1, "accept,,Ada,2026-01-02"), (1, "reject,,Ada,2026-01-01")]
    vetted = catalog.vetted(write(tmp_path / "a.csv", rows, catalog))
    assert vetted["verdict"][0] == "accept"
    assert "verdict" not in catalog.table.colnames


def test_spreadsheet_with_byte_order_mark_semicolons_and_crlf(catalog, tmp_path):
    path = write(tmp_path / "a.csv", [(3, "unsure,'=1+1,Ada,1")], catalog)
    text = path.read_text().replace(",", ";").replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    vetted = catalog.vetted(path)
    assert vetted["verdict"].tolist() == ["", "", "unsure"]
    assert vetted["verdict_note"][2] == "=1+1"


def test_several_persons(catalog, tmp_path):
    one = write(
        tmp_path / "a.csv",
        [(1, "accept,yes,Ada,1"), (2, "accept,,Ada,1"), (3, "reject,,Ada,1")],
        catalog,
    )
    other = write(
        tmp_path / "b.csv", [(1, "accept,sure,Bo,1"), (2, "reject,,Bo,1")], catalog
    )
    vetted = catalog.vetted(one, other)
    assert vetted["verdict"].tolist() == ["accept", "unsure", "reject"]
    assert vetted["verdict_by"].tolist() == ["Ada; Bo", "Ada; Bo", "Ada"]
    assert vetted["verdict_note"][0] == "Ada: yes; Bo: sure"
    (pair,) = vetted.table.meta["agreement"]
    assert pair == {"persons": ["Ada", "Bo"], "n": 2, "agreement": 0.5, "kappa": 0.0}


def test_kappa_of_cohen_1960():
    """Two persons who agree on 20 + 15 of 50: kappa 0.4."""
    counts = {("accept", "accept"): 20, ("accept", "reject"): 5}
    counts |= {("reject", "accept"): 10, ("reject", "reject"): 15}
    pairs = [words for words, n in counts.items() for _ in range(n)]
    verdicts = {("a", n): (one, "") for n, (one, _) in enumerate(pairs)}
    verdicts |= {("b", n): (two, "") for n, (_, two) in enumerate(pairs)}
    (pair,) = agreement(verdicts)
    assert pair["agreement"] == 0.7
    assert pair["kappa"] == pytest.approx(0.4)


def test_kappa_where_chance_agrees_always():
    verdicts = {(person, 1): ("accept", "") for person in "ab"}
    assert agreement(verdicts)[0]["kappa"] is None


def test_no_clusters_and_no_verdicts(tmp_path):
    catalog = ClusterCatalog(cluster_table())
    path = tmp_path / "a.csv"
    path.write_text(HEAD)
    assert len(catalog.vetted(path)["verdict"]) == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n2,", "\n9,", "no candidate of id '9'"),
        ("\n2,", "\nx,", "no candidate of id 'x'"),
        ("accept", "maybe", "accept, reject, unsure; id 2 has 'maybe'"),
        (",digest,", ",other,", r"lacks the columns \['digest'\]"),
        ("2,1,2,", "2,1,2,0", "verdicts on other candidates"),
    ],
)
def test_bad_file_is_refused_with_its_name(catalog, tmp_path, old, new, message):
    path = write(tmp_path / "a.csv", [(2, "accept,,Ada,1")], catalog)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=rf"a\.csv.*{message}"):
        catalog.vetted(path)


def test_notes_that_fits_cannot_hold_are_said(tmp_path):
    catalog = make_catalog(2)
    path = write(tmp_path / "a.csv", [(1, "accept,schön,Ada,1")], catalog)
    vetted = catalog.vetted(path)
    path.unlink()
    with pytest.raises(ValueError, match=r"ASCII texts only.*schön.*write \.ecsv"):
        vetted.write(tmp_path / "v.fits")
    assert not list(tmp_path.iterdir())
    vetted.write(tmp_path / "v.ecsv")
    assert ClusterCatalog.read(tmp_path / "v.ecsv")["verdict_note"][0] == "schön"
