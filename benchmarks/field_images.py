# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Cases of ``field_cases.py``: images and their headers."""

import os
import zipfile
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.nddata import CCDData, NDData
from astropy.wcs import WCS
from field_helpers import (
    FOLDER,
    ONE,
    as_nddata,
    clean,
    command,
    found,
    header,
    outcome,
    pixels,
    refused,
    search,
    tile,
    true_sky,
    write,
)

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.archives import LocalArchive
from astro_vaeclust.baselines import StarCounts
from astro_vaeclust.embeddings.pca import PCAEmbedding


def zero_filled_sky():
    """Compare areas without data that are constant with NaN in them."""
    rng = np.random.default_rng(0)
    y, x = (clean().table[0][name] for name in ("y_center", "x_center"))
    far = slice(None, 110) if y > 200 else slice(-110, None)
    beside = slice(None, 170) if x > 200 else slice(-170, None)
    got = {}
    for name, place in {"rows": far, "columns": (slice(None), beside)}.items():
        for word, value in {
            "zero": 0,
            "7": 7,
            "tiny rms": rng.normal(0, 1e-3, (400, 400)).astype("f4")[place],
        }.items():
            data, blank = pixels(), pixels()
            data[place], blank[place] = value, np.nan
            got[f"{name} {word}"] = _as_with_nan(data, blank)
    for word, value in {"zero": 0, "-9999": -9999}.items():
        data, blank = pixels(), pixels()
        data[:, ::10], blank[:, ::10] = value, np.nan
        got[f"every tenth column {word}"] = _as_with_nan(data, blank)
    data, blank = pixels(), pixels()
    data[far], blank[far] = 0, np.nan
    learning = VAEClusterFinder(embedding=PCAEmbedding())
    got["pca"] = _as_with_nan(data, blank, learning, tolerance=15)
    got["star counts"] = _as_with_nan(data, blank, StarCounts())
    folder = os.environ.get("ASTRO_VAECLUST_DATA")
    if folder:
        path = Path(folder) / "vista_stack" / "stack_h.fits"
        catalog, said, _ = outcome(lambda: VAEClusterFinder().detect(path))
        good = len(catalog) == 0 and any("%" in text for text in said)
        got["stack"] = "as NaN, warned" if good else f"{len(catalog)} clusters"
    return "as NaN, warned", got


def _as_with_nan(data, blank, finder=None, *, tolerance=2):
    finder = finder or VAEClusterFinder()
    result, said, error = outcome(lambda: finder.detect(as_nddata(data)))
    if error is not None:
        return str(error)[:60]
    expected, _, _ = outcome(lambda: finder.detect(as_nddata(blank)))
    places = [np.array([t["x_center"], t["y_center"]]) for t in (result, expected)]
    if places[0].shape != places[1].shape:
        return f"{len(result)} clusters, {len(expected)} with NaN"
    if not np.allclose(*places, atol=tolerance):
        return "elsewhere than with NaN"
    return "as NaN, " + ("warned" if said else "no warning")


def huge_sentinels():
    """Fill a corner away from the cluster by huge numbers."""
    got = {}
    y, x = (clean().table[0][name] for name in ("y_center", "x_center"))
    corner = tuple(slice(0, 80) if v > 200 else slice(-80, None) for v in (y, x))
    for value in (-1e30, 1.6e38, float(np.finfo("f4").max), 1e20):
        data = pixels()
        data[corner] = value
        got[f"{value:.3g}"] = found(as_nddata(data))
    return ONE, got


def units_of_pixels():
    """Multiply the pixels by powers of ten."""
    got = {}
    for power in (-30, -24, -10, 10, 18, 30):
        data = pixels().astype("f8") * 10.0**power
        got[f"1e{power}"] = found(as_nddata(data))
    searches = {
        "pca": VAEClusterFinder(embedding=PCAEmbedding()),
        "star counts": StarCounts(),
    }
    for name, finder in searches.items():
        plain, _, _ = outcome(lambda finder=finder: finder.detect(as_nddata(pixels())))
        for power in (-24, 18):
            data = as_nddata(pixels().astype("f8") * 10.0**power)
            other, _, error = outcome(lambda f=finder, d=data: f.detect(d))
            same = error is None and len(other) == len(plain)
            got[f"{name} 1e{power}"] = ONE if same else f"{error or len(other)}"
    return ONE, got


def unreadable_wcs_cards():
    """Write numbers of the WCS with a comma, or as text."""
    got = {}
    head = header()
    for key in ("CRVAL1", "CRPIX1", "CDELT1", "CD1_1"):
        value = -1 / 3600 if key[:2] == "CD" else head[key]
        number = f"{value:.10f}"
        comma = f"{key:8}= {number.replace('.', ','):>20}"
        text = f"{key:8}= '{number}'"
        for name, card in {"comma": comma, "text": text}.items():
            used = head.copy()
            if key == "CD1_1":
                used.remove("CDELT1"), used.remove("CDELT2")
                used.update(CD1_2=0.0, CD2_1=0.0, CD2_2=1 / 3600)
            path = write(f"{key}_{name}.fits", head=used, raw=(card,))
            got[f"{key} {name}"] = refused(search(path), key, number[:6].split(".")[0])
    zero = header(CD1_1=0.0, CD1_2=0.0, CD2_1=0.0, CD2_2=0.0)
    del zero["CDELT*"]
    got["CD zero"] = refused(search(write("cd0.fits", head=zero)), "wcs")
    return "refused by name", got


def scamp_on_tan():
    """Give PV of SCAMP to a TAN header, of degrees 1 and 3."""
    got = {}
    for name, extra in {
        "degree 1": {},
        "degree 3": {"PV1_7": 0.0, "PV2_4": 0.0},
    }.items():
        head = header(CTYPE1="RA---TAN", CTYPE2="DEC--TAN")
        head.update(PV1_0=0.0, PV1_1=1.0, PV1_2=0.0, PV2_0=0.0, PV2_1=1.0, PV2_2=0.0)
        head.update(extra)
        got[name] = found(write(f"pv_{len(extra)}.fits", head=head))
    return ONE, got


def pixel_scale_where_it_is_used():
    """Search the same pixels in projections far from their reference point."""
    got = {}
    for code, scale, far, is_square in (
        ("MER", 2.0, 60, True),
        ("STG", 4 / 3, 60, True),
        ("TAN", 2.0, 45, False),
        ("CAR", 2**0.5, 60, False),
        ("CEA", 1.0, 60, False),
    ):
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = f"RA---{code}", f"DEC--{code}"
        wcs.wcs.cdelt = -scale / 3600, scale / 3600
        wcs.wcs.crval = 30.0, 0.0
        wcs.wcs.crpix = 0.0, 0.0
        x, y = wcs.world_to_pixel_values(30.0, far)
        wcs.wcs.crpix = 200.5 - x, 200.5 - y
        local = _local_scale(wcs)
        got[code] = found(
            NDData(pixels(), wcs=wcs),
            sky=true_sky(wcs),
            radius=clean().table["radius"][0].value * local,
            warns=not is_square,
        )
    return ONE, got


def _local_scale(wcs):
    """Return the root of the area of the middle pixel in arcsec."""
    corners = wcs.pixel_to_world([200, 201, 200], [200, 200, 201])
    east, north = corners[0].spherical_offsets_to(corners[1:])
    area = east[0] * north[1] - east[1] * north[0]
    return float(np.sqrt(abs(area)).to_value(u.arcsec))


def zero_points_of_mosaics():
    """Put two halves together whose zero points are written in odd ways."""
    got = {}
    pairs = {
        "none": ({"MAGZP": 20.0}, {}),
        "text": ({"MAGZP": 20.0}, {"MAGZP": "20.0"}),
        "numpy": ({"MAGZP": 20.0}, {"MAGZP": np.float32(20)}),
        "integer": ({"MAGZP": 20.0}, {"MAGZP": 20}),
        "EXPTIME": (
            {"MAGZPT": 20.0, "EXPTIME": 2.0},
            {"MAGZPT": 20.0, "EXPTIME": 2},
        ),
    }
    for name, heads in pairs.items():
        got[name] = _mosaic_scale(*heads)
    unlike = _mosaic_scale({}, {}, units=("Jy", "adu"))
    got["unlike units"] = "scale 1 or refused" if "adu" in unlike else unlike
    return "scale 1 or refused", got


def _mosaic_scale(*heads, units=("adu", "adu")):
    image = tile().image
    halves = (slice(0, 240), slice(160, 400))
    parts = [
        CCDData(image.data[:, part], wcs=image.wcs[:, part], unit=unit, meta=head)
        for part, head, unit in zip(halves, heads, units, strict=True)
    ]
    centre = image.wcs.pixel_to_world(199.5, 199.5)
    archive = LocalArchive(images=parts)
    size = 390 * u.arcsec
    mosaic, _, error = outcome(lambda: archive.get_image(centre, size=size))
    if error is not None:
        plain = isinstance(error, (ValueError, OSError)) and "adu" not in units[0]
        return str(error) if plain else "scale 1 or refused"
    x, _ = mosaic.wcs.world_to_pixel(image.wcs.pixel_to_world(*np.mgrid[260:380:9, :9]))
    right = np.nanstd(mosaic.data[:, int(np.max(x)) - 60 :])
    ratio = float(right / np.nanstd(image.data[:, 300:]))
    return "scale 1 or refused" if 0.5 < ratio < 1.6 else f"scale {ratio:.2g}"


def tables_only_on_output():
    """Look for anything but the table on the standard output."""
    left_over = header(A_ORDER=2, B_ORDER=2, A_2_0=1e-9, B_0_2=1e-9)
    path = write("sip.fits", head=left_over)
    code, out, _ = command("detect", path, "--quiet")
    astropy_says = [
        line for line in out.splitlines() if "INFO" in line or "SIP" in line
    ]
    _, said, _ = outcome(search(path))
    return "table alone, warned", {
        "SIP": "table alone, warned"
        if code == 0 and not astropy_says and any("SIP" in text for text in said)
        else f"code {code}, {len(astropy_says)} notices, {len(said)} warnings"
    }


def unparsable_optional_cards():
    """Leave the quotes out of cards that are read beside the WCS."""
    got = {}
    for key in ("BUNIT", "ORIGIN", "FILTER", "MAGZP", "BAND"):
        card = f"{key:8}= not quoted"
        got[key] = found(write(f"raw_{key}.fits", raw=(card,)))
    return ONE, got


def unclear_files():
    """Give a zip of two files, and a BZERO with a comma."""
    path = write("plain.fits")
    archive = FOLDER / "two.fits.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(path, "one.fits")
        file.write(path, "two.fits")
    comma = write("bzero.fits", raw=("BZERO   =               32,768",))
    return "refused by name", {
        "zip": refused(search(archive), "zip"),
        "BZERO": refused(search(comma), "BZERO"),
    }


def wcs_of_heatmaps():
    """Compare the WCS of a heat map with that of an image with lookup tables."""
    head = header()
    table = fits.ImageHDU(np.full((3, 3), 4.0, dtype="f4"), name="WCSDVARR")
    table.header.update(CRPIX1=1.0, CRPIX2=1.0, CRVAL1=1.0, CRVAL2=1.0)
    table.header.update(CDELT1=200.0, CDELT2=200.0)
    for axis in (1, 2):
        head[f"CPDIS{axis}"] = "lookup"
        head[f"DP{axis}"] = "EXTVER: 1"
        head[f"DP{axis}.EXTVER"] = 1.0
        head[f"DP{axis}.NAXES"] = 2.0
        head[f"DP{axis}.AXIS.1"] = 1.0
        head[f"DP{axis}.AXIS.2"] = 2.0
    path = FOLDER / "lookup.fits"
    hdus = fits.HDUList([fits.PrimaryHDU(pixels(), head), table])
    hdus.writeto(path)
    with fits.open(path) as opened:
        wcs = WCS(opened[0].header, opened)
        sky = wcs.pixel_to_world(200, 200)
    catalog, _, error = outcome(search(path, hdu=0))
    if error is not None:
        return "same WCS or warned", {"lookup": str(error)[:90]}
    heat = FOLDER / "heat.fits"
    _, said, error = outcome(lambda: catalog.write_heatmap(heat))
    with fits.open(heat) as opened:
        image = next(hdu for hdu in opened if hdu.data is not None)
        offset = WCS(image.header, opened).pixel_to_world(200, 200).separation(sky)
    same = bool(said) or offset < 0.1 * u.arcsec
    got = (
        "same WCS or warned" if same else f"{offset.to_value(u.arcsec):.1f} arcsec off"
    )
    return "same WCS or warned", {"lookup": got}
