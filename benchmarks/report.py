# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How long the page of verdicts takes to make and to use.

Makes tiles of 512 x 1024 pixels with stars, a report of candidates on them, and opens
it in Chromium. Needs the extras ``report`` and ``browser`` and Debian's chromium.
"""

import argparse
import resource
import shutil
import tempfile
import time
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.nddata import NDData
from astropy.wcs import WCS
from playwright.sync_api import sync_playwright

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.images.write import write_image
from astro_vaeclust.report.page import write_report

SHAPE = (1024, 512)
PER_TILE = 40

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
    from astropy.coordinates import SkyCoord

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


def first_view(page, path):
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_function(
        "[...document.querySelectorAll('article img')].filter(image => "
        "image.getBoundingClientRect().top < innerHeight).every(image => "
        "image.complete && image.naturalWidth)"
    )
    return time.perf_counter() - start


def use(browser, path, name):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    seen = []
    page.on("request", lambda request: seen.append(request.url))
    seconds = first_view(page, path)
    outside = [url for url in seen if not url.startswith(("file:", "data:"))]
    pictures = page.locator("article img").count()
    print(
        f"{name}: first view {seconds:.2f} s, {pictures} pictures loaded, "
        f"{len(outside)} requests that leave it"
    )
    press = "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'a'}))"
    press = press.replace("document.dispatch", "document.activeElement.dispatch")
    press = press.replace("{key: 'a'}", "{key: 'a', bubbles: true}")
    times = [page.evaluate(PAINTED, press) for _ in range(30)]
    print(
        f"  verdict to the next painted: median {np.median(times):.0f} ms, "
        f"maximum {max(times):.0f} ms"
    )
    change = "const s = document.getElementById('sort'); s.value = 'score'; "
    change += "s.dispatchEvent(new Event('input'))"
    print(f"  sort: {page.evaluate(PAINTED, change):.0f} ms")
    change = "const s = document.getElementById('byverdict'); s.value = 'accept'; "
    change += "s.dispatchEvent(new Event('input'))"
    print(f"  filter: {page.evaluate(PAINTED, change):.0f} ms")
    change = change.replace("'accept'", "''")
    page.evaluate(PAINTED, change)
    steps = [page.evaluate(PAINTED, "scrollBy(0, 700)") for _ in range(40)]
    print(f"  scroll by a window: longest pause {max(steps):.0f} ms")
    page.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=2000)
    n = parser.parse_args().candidates
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        catalog = make_candidates(folder, n)
        tiles = sorted(folder.glob("*.fits"))
        start, used = time.perf_counter(), time.process_time()
        write_report(catalog, tiles, folder / "report")
        wall, used = time.perf_counter() - start, time.process_time() - used
        size = sum(path.stat().st_size for path in (folder / "report").rglob("*.*"))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{n} candidates: {1e3 * wall / n:.0f} ms each ({1e3 * used / n:.0f} ms of "
            f"a core), {size / n / 1e3:.1f} kB each, {memory:.0f} MB of memory"
        )
        single = folder / "single.html"
        write_report(catalog[:500], tiles[:13], single, single_file=True)
        path = shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        use(browser, folder / "report" / "index.html", f"folder of {n}")
        use(browser, single, f"single file of {min(n, 500)}")
        browser.close()


if __name__ == "__main__":
    main()
