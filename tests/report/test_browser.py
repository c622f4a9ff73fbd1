# Licensed under a 3-clause BSD style license - see LICENSE.rst
import csv
import os
import shutil

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.report.page import write_report

from ..example_catalog import make_columns

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def page_of(report, new_page, **options):
    page = new_page(report / "index.html", **options)
    page.locator("article").first.wait_for()
    return page


def focused(page):
    return page.evaluate("document.activeElement.getAttribute('aria-label')")


def verdicts(page):
    return [
        card.get_attribute("data-verdict") for card in page.locator("article").all()
    ]


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    return [
        (found["id"], [node["html"][:120] for node in found["nodes"]])
        for found in Axe().run(page).response["violations"]
    ]


def keep_picture(page, name):
    """Keep a screenshot where the variable SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def exported(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    return download.value.path()


def test_keys_alone_give_verdicts_and_move_on(report, new_page):
    page = page_of(report, new_page)
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert focused(page) == "Candidate 1"
    page.keyboard.press("a")
    assert focused(page) == "Candidate 2"
    page.keyboard.press("r")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("u")
    assert verdicts(page) == ["accept", "reject", None, "unsure", None]
    assert focused(page) == "Candidate 5"
    page.keyboard.press("a")
    assert focused(page) == "Candidate 3"  # the only one without a verdict
    page.keyboard.press("z")
    assert verdicts(page)[4] is None
    assert "3 with a verdict" in page.locator("#count").inner_text()


def test_verdicts_stay_after_a_reload_and_reach_a_second_tab(report, new_page):
    page = page_of(report, new_page)
    second = page.context.new_page()
    second.goto(page.url)
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Accept (A)").click()
    second.locator("article[data-verdict=accept]").first.wait_for()
    page.reload()
    page.locator("article").first.wait_for()
    assert verdicts(page)[0] == "accept"
    assert page.get_by_label("Your name").input_value() == "Ada"


def test_reports_do_not_share_verdicts(report, candidates, tile, tmp_path, new_page):
    page = page_of(report, new_page)
    page.keyboard.press("a")
    write_report(candidates[:3], [tile], tmp_path / "other")
    page.goto((tmp_path / "other" / "index.html").as_uri())
    assert verdicts(page) == [None, None, None]


@pytest.mark.parametrize("method", ["getItem", "setItem"])
def test_refused_or_full_storage_is_said(report, new_page, method):
    refuse = f"Storage.prototype.{method} = () => {{ throw new Error('no'); }};"
    page = page_of(report, new_page, script=refuse)
    page.keyboard.press("a")
    assert verdicts(page)[0] == "accept"
    page.get_by_text("export").first.wait_for()
    assert page.get_by_role("alert").is_visible()


def test_note_export_vet_and_import(report, candidates, new_page, tmp_path):
    page = page_of(report, new_page)
    page.get_by_label("Your name").fill("@Ada")
    page.keyboard.press("Tab")
    page.locator("article").first.click()
    page.keyboard.press("n")
    page.get_by_label("Note", exact=True).fill('=cmd|"x";\nsecond, line')
    page.get_by_role("button", name="Keep").click()
    page.keyboard.press("a")
    page.keyboard.press("r")
    path = exported(page)
    with open(path, newline="") as file:
        first, second = csv.DictReader(file)
    assert first["note"] == '\'=cmd|"x";\nsecond, line'
    assert first["person"] == "'@Ada"
    assert (first["verdict"], second["verdict"]) == ("accept", "reject")
    vetted = candidates.vetted(path)
    assert vetted["verdict"].tolist() == ["accept", "reject", "", "", ""]
    assert vetted["verdict_note"][0] == '=cmd|"x";\nsecond, line'
    assert vetted["verdict_by"][0] == "@Ada"
    other = page_of(report, new_page)
    other.locator("#file").set_input_files(path)
    other.get_by_text("Imported 2").wait_for()
    assert verdicts(other)[:3] == ["accept", "reject", None]
    assert exported(other).read_bytes() == path.read_bytes()


def test_import_from_a_spreadsheet(report, candidates, new_page, tmp_path):
    page = page_of(report, new_page)
    page.keyboard.press("a")
    path = tmp_path / "edited.csv"
    text = exported(page).read_text().replace(",", ";")
    extra = text.splitlines()[1].replace("1;", "77;", 1)
    path.write_text("\ufeff" + text + extra + "\r\n", encoding="utf-8", newline="")
    other = page_of(report, new_page)
    other.locator("#file").set_input_files(path)
    other.get_by_text("Imported 1; 1 of unknown candidates").wait_for()
    path.write_text(text.replace(text.splitlines()[1].split(";")[3], "0" * 16))
    other.locator("#file").set_input_files(path)
    other.get_by_text("verdicts on other candidates").wait_for()


def test_sort_filter_and_count(report, new_page):
    page = page_of(report, new_page)
    page.get_by_label("Sort by").select_option("score")
    names = [c.get_attribute("aria-label")[-1] for c in page.locator("article").all()]
    assert names == ["5", "4", "2", "3", "1"]
    page.get_by_label("descending").check()
    assert page.locator("article").first.get_attribute("aria-label")[-1] == "1"
    page.get_by_label("Column").select_option("score")
    page.get_by_label("from").fill("0.65")
    page.get_by_text("3 of 5 candidates shown").wait_for()
    page.get_by_label("to", exact=True).fill("0.75")
    page.get_by_text("1 of 5 candidates shown").wait_for()
    page.get_by_label("from").fill("")
    page.get_by_label("to", exact=True).fill("")
    page.locator("#byflag").select_option("none")
    page.get_by_text("2 of 5 candidates shown").wait_for()


def test_scale_overlay_invert_and_contrast(report, new_page):
    page = page_of(report, new_page)
    picture = page.locator("article img").first
    page.keyboard.press("3")
    assert picture.get_attribute("src").endswith("0-2.webp")
    assert page.locator("article svg").first.is_visible()
    page.keyboard.press("o")
    assert page.locator("article svg").first.is_hidden()
    page.keyboard.press("i")
    page.keyboard.press("+")
    style = picture.evaluate("element => getComputedStyle(element).filter")
    assert style == "invert(1) contrast(1.25)"


def test_own_view(report, new_page):
    page = page_of(report, new_page)
    page.locator("article").nth(1).dblclick()
    dialog = page.get_by_role("dialog")
    assert dialog.locator("img").count() == 3
    assert "Radius with half of the members" in dialog.inner_text()
    assert dialog.get_by_role("img", name="Sources per square").is_visible()
    assert dialog.locator(".bands img").count() == 0
    for anchor in dialog.locator("a").all():
        assert anchor.get_attribute("rel") == "noopener noreferrer"
    page.keyboard.press("a")
    assert "Candidate 3" in dialog.locator("h2").inner_text()
    page.keyboard.press("Escape")
    page.locator("[aria-label='Candidate 3']:focus").wait_for()
    page.keyboard.press("?")
    assert "undo" in page.get_by_role("dialog").inner_text()


def test_own_view_with_bands_and_sources(candidates, tile, tmp_path, new_page):
    sky = candidates["sky_center"][[0, 1, 2, 3, 4] * 20]
    sources = QTable({"sky": sky, "mag": np.linspace(12, 15, 100) * u.mag})
    other = shutil.copy(tile, tmp_path)
    bands = {"H": [other], "<b>J": [other], "searched": [tile]}
    path = tmp_path / "report"
    write_report(candidates, [tile], path, bands=bands, sources=sources)
    page = page_of(path, new_page, bypass_csp=True)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("img", name="Candidate 1 in <b>J, 4 radii wide").wait_for()
    assert dialog.get_by_role("img", name="Number of sources against").is_visible()
    assert dialog.locator(".bands img").count() == 3  # each of these, and in colour
    wide = "[...document.images].every(image => image.naturalWidth > 0)"
    page.wait_for_function(wide)
    keep_picture(page, "own-bands")
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(report, new_page, scheme):
    page = page_of(report, new_page, color_scheme=scheme, reduced_motion="reduce")
    # axe runs in the page, whose policy forbids it: the same page without a policy
    page = new_page(report / "index.html", color_scheme=scheme, bypass_csp=True)
    page.keyboard.press("a")
    page.keyboard.press("r")
    keep_picture(page, f"gallery-{scheme}")
    assert violations(page) == []
    page.keyboard.press("Enter")
    keep_picture(page, f"own-{scheme}")
    assert violations(page) == []


@pytest.mark.parametrize(
    ("width", "height"), [(360, 740), (320, 256)], ids=["phone", "400 %"]
)
def test_nothing_is_wider_than_a_narrow_window(report, new_page, width, height):
    page = page_of(report, new_page, viewport={"width": width, "height": height})
    keep_picture(page, f"width-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    keep_picture(page, f"own-{width}")
    assert page.get_by_role("dialog").bounding_box()["width"] <= width


def test_focus_is_seen(report, new_page):
    page = page_of(report, new_page)
    for _ in range(15):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"


def test_print_shows_the_candidates_without_controls(report, new_page):
    page = page_of(report, new_page)
    page.emulate_media(media="print")
    assert page.locator("article").first.is_visible()
    assert page.locator("nav").is_hidden()


@pytest.mark.parametrize("single_file", [False, True])
def test_hostile_text_stays_text(candidates, tile, tmp_path, new_page, single_file):
    path = tmp_path / ("report.html" if single_file else "report")
    write_report(candidates, [tile], path, single_file=single_file)
    page = new_page(path if single_file else path / "index.html")
    page.get_by_label("Your name").fill("<img src=x onerror=window.hurt=1>")
    page.keyboard.press("Tab")
    page.locator("article").first.click()
    page.keyboard.press("Enter")
    assert "</script><script>" in page.get_by_role("dialog").inner_text()
    assert page.evaluate("window.hurt") is None
    assert page.locator("article img").first.evaluate("image => image.naturalWidth > 0")


def test_no_candidates_and_missing_images(outside, tile, tmp_path, new_page):
    write_report(ClusterCatalog(cluster_table()), [tile], tmp_path / "none")
    page = new_page(tmp_path / "none" / "index.html")
    page.get_by_text("There are no candidates in this report.").wait_for()
    page.keyboard.press("a")
    assert write_report(outside, [tile], tmp_path / "some") == [5]
    page = page_of(tmp_path / "some", new_page)
    assert page.locator("article").nth(4).get_by_text("No image holds").is_visible()
    assert page.locator("article").nth(3).get_by_text("No picture of").is_visible()
    page.keyboard.press("3")
    assert page.locator("article").nth(3).locator("img").count() == 1


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A report of 900 candidates on no image."""
    columns = make_columns(900)
    path = tmp_path_factory.mktemp("many") / "report"
    write_report(ClusterCatalog(cluster_table(columns)), [], path)
    return path


def test_of_many_cards_only_near_ones_are_made(many, new_page):
    page = page_of(many, new_page)
    assert page.locator("article").count() < 200
    page.get_by_label("Sort by").select_option("id")
    page.get_by_label("descending").check()
    assert page.locator("article").count() < 200
    assert page.locator("article").first.get_attribute("aria-label") == "Candidate 900"
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    last = page.get_by_role("article", name="Candidate 1", exact=True)
    last.wait_for()
    assert last.get_attribute("aria-posinset") == "900"
    page.emulate_media(media="print")
    page.locator("article").nth(899).wait_for(state="attached")
    assert page.locator("article").count() == 900


def test_the_next_without_a_verdict_may_be_far_away(many, new_page, tmp_path):
    page = page_of(many, new_page)
    page.keyboard.press("a")
    first, entry = exported(page).read_text().splitlines()
    rest = [entry.replace("1,", f"{n},", 1) for n in range(2, 800)]
    path = tmp_path / "verdicts.csv"
    path.write_text("\n".join([first, entry, *rest]) + "\n")
    page.locator("#file").set_input_files(path)
    page.get_by_text("Imported 799").wait_for()
    page.locator("article").nth(3).click()
    page.keyboard.press("r")
    assert focused(page) == "Candidate 800"
    assert page.locator(":focus").bounding_box()["y"] < 720
    page.set_viewport_size({"width": 500, "height": 720})
    page.locator("[aria-label='Candidate 800']:focus").wait_for()
