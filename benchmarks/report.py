# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How long the page of verdicts takes to make and to use, beside what is allowed.

Makes tiles of 512 x 1024 pixels with stars and a report of candidates on them by two
processes, and opens it in Chromium; then one with 10,000 candidates, which share their
pictures. Other programs at work make all times of the clock longer; beside these stand
those of a core, or of the thread of the page. Needs the extras ``report`` and
``browser`` and Debian's chromium.
"""

import argparse
import json
import resource
import shutil
import tempfile
import time
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.nddata import NDData
from astropy.wcs import WCS
from playwright.sync_api import sync_playwright

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.images.read import read_image
from astro_vaeclust.images.write import write_image
from astro_vaeclust.report.page import write_report

SHAPE = (1024, 512)
PER_TILE = 40
MANY = 10_000
PLACES = (0.9, 0.2, 0.6, 1, 0)

# until the state after an event is painted
PAINTED = """action => new Promise(done => {
  const start = performance.now(); eval(action);
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - start), 0));
})"""


def make_tile(number, rng):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [10 + 0.3 * number % 350, 5]
    wcs.wcs.crpix = [256, 512]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    pixels = rng.normal(100, 3, SHAPE).astype(np.float32)
    y, x = np.mgrid[-4:5, -4:5]
    star = np.exp(-(x**2 + y**2) / (2 * 1.2**2))
    for top, left in rng.integers(0, np.array(SHAPE) - 9, (1500, 2)):
        pixels[top : top + 9, left : left + 9] += rng.pareto(1.5) * 20 * star
    return NDData(pixels, wcs=wcs)


def make_candidates(folder, n, seed=0):
    rng = np.random.default_rng(seed)
    skies, places = [], []
    for number in range(-(-n // PER_TILE)):
        tile = make_tile(number, rng)
        write_image(tile, folder / f"tile{number:04}.fits")
        x, y = rng.uniform(0, 512, PER_TILE), rng.uniform(0, 1024, PER_TILE)
        skies += list(tile.wcs.pixel_to_world(x, y))
        places.append(np.array([x, y]))
    x, y = np.concatenate(places, axis=1)[:, :n]
    radius = rng.uniform(20, 120, n) * u.arcsec
    columns = {
        "id": np.arange(1, n + 1),
        "sky_center": SkyCoord(skies[:n]),
        "x_center": x,
        "y_center": y,
        "radius": radius,
        "radius_err": 0.1 * radius,
        "area": np.pi * radius**2,
        "score": rng.uniform(size=n),
        "false_alarm_rate": rng.uniform(size=n) / u.deg**2,
        "n_sources": rng.integers(5, 90, n),
        "flags": rng.integers(0, 16, n),
        "r50": 0.5 * radius,
    }
    return ClusterCatalog(cluster_table(columns))


def said(what, value, limit, unit, more=""):
    print(f"{what:<52} {value:8.2f} {unit:<3} (<= {limit:g}{more})", flush=True)


class Stopwatch:
    """Time that a page's own thread takes for an action, and that of the clock."""

    def __init__(self, page):
        self.page = page
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy(self):
        """Return the seconds that the thread has worked."""
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return next(m["value"] for m in metrics if m["name"] == "TaskDuration")

    def time(self, action):
        """Do something; return milliseconds of the thread and of the clock."""
        before = self.busy()
        clock = self.page.evaluate(PAINTED, action)
        return 1e3 * (self.busy() - before), clock

    def say(self, what, actions, limit):
        """Print the longest of several actions."""
        busy, clock = np.max([self.time(action) for action in actions], axis=0)
        said(what, busy, limit, "ms", f"; by the clock {clock:.0f}")


def first_view(page, path):
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_function(
        "[...document.querySelectorAll('article img')].filter(image => "
        "image.getBoundingClientRect().top < innerHeight).every(image => "
        "image.complete && image.naturalWidth) && document.querySelector('article img')"
    )
    return time.perf_counter() - start


def select(name, value):
    return (
        f"const s = document.getElementById('{name}'); s.value = '{value}'; "
        "s.dispatchEvent(new Event('input'))"
    )


def use(browser, path, name, limit):
    page = browser.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page.set_default_timeout(300_000)
    seen, watch = [], Stopwatch(page)
    page.on("request", lambda request: seen.append(request.url))
    said(f"{name}: first view with its pictures", first_view(page, path), limit, "s")
    said("  the same in time of the page's thread", watch.busy(), limit, "s")
    said("  pictures loaded", page.locator("article img").count(), 60, "")
    press = (
        "document.activeElement.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'a', bubbles: true}))"
    )
    watch.say("  verdict to the next painted, longest of 30", 30 * [press], 50)
    watch.say("  sort", [select("sort", "score")], 300)
    watch.say("  filter", [select("byverdict", "accept")], 300)
    page.evaluate(PAINTED, select("byverdict", ""))
    watch.say("  scroll by a window, longest of 60", 60 * ["scrollBy(0, 700)"], 200)
    places = [f"scrollTo(0, {y} * document.body.scrollHeight)" for y in PLACES]
    watch.say("  scroll to anywhere, longest of 5", places, 200)
    outside = [url for url in seen if not url.startswith(("file:", "data:"))]
    said("  requests that leave it", len(outside), 0, "")
    page.close()


def multiply(report, copies):
    """Give a report several times as many candidates, with the same pictures."""
    path = report / "data.js"
    text = path.read_text().removeprefix("const REPORT=").removesuffix(";")
    data = json.loads(text)
    given = data["candidates"]
    data["candidates"] = [
        one | {"values": one["values"] | {"id": one["values"]["id"] + n * len(given)}}
        for n in range(copies)
        for one in given
    ]
    path.write_text(f"const REPORT={json.dumps(data)};")


def core_seconds():
    """Time that this process and those that it has ended took of a core."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def make(catalog, tiles, path):
    n, start, used = len(catalog), time.perf_counter(), core_seconds()
    write_report(catalog, tiles, path, workers=2)
    wall, used = time.perf_counter() - start, core_seconds() - used
    size = sum(file.stat().st_size for file in path.rglob("*.*"))
    memory = sum(
        resource.getrusage(who).ru_maxrss / 1024**2 * number
        for who, number in ((resource.RUSAGE_SELF, 1), (resource.RUSAGE_CHILDREN, 2))
    )
    said(f"making a page of {n}, two processes, a candidate", 1e3 * wall / n, 60, "ms")
    said("  the same in time of one core", 1e3 * used / n, 120, "ms")
    said("  memory of all three processes at most", memory, 1, "GB")
    said("  size of a candidate", size / n / 1e3, 40, "kB")


def plot(catalog, tile, path):
    on_tile = catalog[:PER_TILE]
    on_tile.plot(image=read_image(tile))  # imports, fonts
    start, used = time.perf_counter(), core_seconds()
    on_tile.plot(image=read_image(tile)).figure.savefig(path)
    clock, used = time.perf_counter() - start, core_seconds() - used
    what = f"catalog.plot() of {len(on_tile)} clusters, of a core"
    said(what, used, 1, "s", f"; by the clock {clock:.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=2000)
    n = parser.parse_args().candidates
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        catalog = make_candidates(folder, n)
        tiles = sorted(folder.glob("*.fits"))
        plot(catalog, tiles[0], folder / "plot.png")
        make(catalog, tiles, folder / "report")
        single = folder / "single.html"
        write_report(catalog[:500], tiles[:13], single, single_file=True, workers=2)
        path = shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        index = folder / "report" / "index.html"
        use(browser, index, f"folder of {n}", 1.5)
        use(browser, single, f"single file of {min(n, 500)}", 1.5)
        copies = -(-MANY // n)
        multiply(folder / "report", copies)
        use(browser, index, f"folder of {n * copies}", 4)
        browser.close()


if __name__ == "__main__":
    main()
