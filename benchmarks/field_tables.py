# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Cases of ``field_cases.py``: tables, regions, names, and files of several images."""

from unittest import mock

import astropy.units as u
import numpy as np
from astropy.coordinates import FK4, BarycentricTrueEcliptic, Galactic, SkyCoord
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table
from astropy.wcs import WCS
from field_helpers import (
    FOLDER,
    ONE,
    clean,
    command,
    found,
    header,
    named,
    outcome,
    pixels,
    refused,
    tile,
    write,
)
from regions import (
    EllipseAnnulusSkyRegion,
    EllipseSkyRegion,
    PixCoord,
    RectangleAnnulusSkyRegion,
    RectangleSkyRegion,
)

from astro_vaeclust import ClusterCatalog
from astro_vaeclust.archives import LocalArchive, resolve
from astro_vaeclust.archives.source_tables import standard_catalog
from astro_vaeclust.matching.references import as_area

ARCSEC = u.arcsec
FRAMES = {
    "Galactic": Galactic(),
    "FK4": FK4(equinox="B1950"),
    "ecliptic": BarycentricTrueEcliptic(),
}


def angles_of_regions():
    """Compare regions with an angle with their outlines in their own frame."""
    place, got = SkyCoord(275.1, -16.2, unit="deg"), {}
    for name, frame in FRAMES.items():
        center = place.transform_to(frame)
        sizes = 40 * ARCSEC, 200 * ARCSEC
        regions = {
            "ellipse": EllipseSkyRegion(center, *sizes, 30 * u.deg),
            "box": RectangleSkyRegion(center, *sizes, 30 * u.deg),
            "ellipse ring": EllipseAnnulusSkyRegion(
                center, 20 * ARCSEC, 40 * ARCSEC, 150 * ARCSEC, 200 * ARCSEC, 30 * u.deg
            ),
            "box ring": RectangleAnnulusSkyRegion(
                center, 20 * ARCSEC, 40 * ARCSEC, 150 * ARCSEC, 200 * ARCSEC, 30 * u.deg
            ),
        }
        for kind, region in regions.items():
            iou = _iou_with_outline(region)
            got[f"{kind} {name}"] = "IoU 1.00" if iou > 0.985 else f"IoU {iou:.2f}"
    return "IoU 1.00", got


def _iou_with_outline(region):
    """Compare with the outline on a tangential plane along the axes of the frame."""
    center = region.center
    longitude, latitude = center.spherical.lon, center.spherical.lat
    plane = WCS(naxis=2)
    plane.wcs.ctype = "RA---TAN", "DEC--TAN"
    plane.wcs.cdelt = -1 / 3600, 1 / 3600
    plane.wcs.crpix = 151, 151
    plane.wcs.crval = longitude.deg, latitude.deg
    y, x = np.mgrid[:301:2, :301:2]
    sky = SkyCoord(*plane.pixel_to_world_values(x, y), unit="deg", frame=center.frame)
    stand_in = region.copy(center=SkyCoord(longitude, latitude)).to_pixel(plane)
    expected = stand_in.contains(PixCoord(x, y))
    inside = as_area(region).contains(sky.icrs)
    return np.sum(inside & expected) / np.sum(inside | expected)


def units_of_tables():
    """Standardise tables in other units, and in units that cannot be converted."""
    got = {}
    ra, dec = 92.13, 20.66
    positions = {
        "hours": ([ra / 15] * u.hourangle, [dec] * u.deg),
        "arcsec": ([ra * 3600] * ARCSEC, [dec * 3600] * ARCSEC),
        "radians": ([np.radians(ra)] * u.rad, [np.radians(dec)] * u.rad),
        "text": (["92.13"], ["20.66"]),
    }
    for name, (one, other) in positions.items():
        table = Table({"ra": one, "dec": other, "k_m": [12.3]})
        got[name] = _standard(table, ra)
    plain = {"ra": [ra], "dec": [dec]}
    got["mmag"] = _standard(Table(plain | {"k_m": [12300.0] * u.mmag}), ra)
    got["Jy"] = refused(
        lambda: standard_catalog(Table(plain | {"k_m": [0.01] * u.Jy})), "k_m", "Jy"
    )
    got["Jy"] = got["Jy"].replace("refused by name", "92.13 deg, 12.3 mag")
    return "92.13 deg, 12.3 mag", got


def _standard(table, ra):
    catalog, _, error = outcome(lambda: standard_catalog(table, band="Ks"))
    if error is not None:
        return named(error)
    right = catalog["ra"][0].to_value(u.deg), catalog["mag"][0].to_value(u.mag)
    return f"{right[0]:.2f} deg, {right[1]:.1f} mag"


class AskedNetworkError(BaseException):
    """Raised in place of a look-up of a host."""


def positions_in_words():
    """Resolve coordinates in words, without a network."""
    right = {
        "18 20 -16 10": (275.0, -16 - 1 / 6),
        "18 20 30 -16 10": (275.125, -16 - 1 / 6),
        "275.12, -16.18": (275.12, -16.18),
        "275.12 -16.18": (275.12, -16.18),
    }
    got = {}
    with mock.patch("socket.getaddrinfo", side_effect=AskedNetworkError):
        for text, (ra, dec) in right.items():
            got[text] = _resolved(text, SkyCoord(ra, dec, unit="deg"))
        for text in ("400 -16", "18 20 30 -96 10 45", "18 70 30 -16 10 45"):
            got[text] = _resolved(text, None)
    return "as written", got


def _resolved(text, expected):
    try:
        position, _, error = outcome(lambda: resolve(text))
    except AskedNetworkError:
        return "SIMBAD was asked"
    if error is not None:
        refusal = expected is None and type(error) is ValueError
        return "as written" if refusal else named(error)
    sky = position.coordinates
    if expected is None or sky.separation(expected) > 1 * ARCSEC:
        return f"{sky.ra.deg:.2f} {sky.dec.deg:.2f}"
    return "as written"


def odd_tables_of_sources():
    """Give point sources as users have them."""
    stars = tile().stars
    stars = stars[stars["mag"] < 14 * u.mag]
    sky = stars["sky"] if "sky" in stars.colnames else stars["sky_center"]
    ra, dec = sky.ra.deg, sky.dec.deg
    words = sky.to_string("hmsdms", sep=" ", precision=3)
    halves = [text.rsplit(" ", 3) for text in words]
    absurd = ra.copy()
    absurd[3] = 1e20
    tables = {
        "one absurd row": Table({"ra": absurd, "dec": dec}),
        "sexagesimal": Table(
            {"ra": [h[0] for h in halves], "dec": [" ".join(h[1:]) for h in halves]}
        ),
        "radians": Table(
            {"ra": np.radians(ra) * u.rad, "dec": np.radians(dec) * u.rad}
        ),
        "(n, 1)": Table({"ra": ra[:, np.newaxis], "dec": dec[:, np.newaxis]}),
    }
    for unit in ("DEGREE", "[deg]", "RADIANS"):
        values = (np.radians(ra), np.radians(dec)) if unit == "RADIANS" else (ra, dec)
        table = Table(dict(zip(("ra", "dec"), values, strict=True)))
        for column in table.itercols():
            column.unit = u.Unit(unit, parse_strict="silent")
        tables[unit] = table
    image = tile().image
    return ONE, {name: found(image, sources=table) for name, table in tables.items()}


def files_of_several_images():
    """Read files of several images everywhere as ``detect`` does."""
    folder = FOLDER / "several"
    folder.mkdir(exist_ok=True)
    image = tile().image
    ccd = CCDData(pixels(), unit="adu", wcs=image.wcs, mask=np.zeros((400, 400), bool))
    ccd.write(folder / "masked.fits", overwrite=True)
    centre = image.wcs.pixel_to_world(199.5, 199.5)
    archive = LocalArchive(images=folder / "masked.fits")
    _, _, error = outcome(lambda: archive.get_image(centre, size=200 * ARCSEC))
    got = {"LocalArchive": "read" if error is None else named(error)}
    several = FOLDER / "several.fits"
    science = fits.ImageHDU(pixels(), header(), name="SCI")
    other = fits.ImageHDU(pixels(), name="VAR")
    hdus = fits.HDUList([fits.PrimaryHDU(), science, other])
    hdus.writeto(several, overwrite=True)
    region = FOLDER / "one.reg"
    region.write_text(f"icrs\n{_circle_text()}\n")
    got["score --image"] = _scored(region, "--image", several, "--hdu", "SCI")
    labels = np.zeros((400, 400), dtype="f4")
    x, y = (int(clean().table[0][name]) for name in ("x_center", "y_center"))
    labels[y - 20 : y + 20, x - 20 : x + 20] = 1
    packed = FOLDER / "labels.fits.fz"
    compressed = fits.CompImageHDU(labels.astype("i2"), header())
    compressed.writeto(packed, overwrite=True)
    got["labels .fz"] = _scored(packed)
    labels[:10] = np.nan
    got["labels NaN"] = _scored(write("labels.fits", labels))
    return "read", got


def _circle_text(sign="", radius=40, east=0):
    sky = clean().table["sky_center"][0].spherical_offsets_by(east * ARCSEC, 0 * ARCSEC)
    return f'{sign}circle({sky.ra.deg:.6f},{sky.dec.deg:.6f},{radius}")'


def _score_files():
    """Write the tables that ``vaeclust score`` needs."""
    clusters, stars = FOLDER / "clusters.ecsv", FOLDER / "stars.ecsv"
    if not clusters.exists():
        clean().write(clusters)
        mock_stars = tile().stars
        wcs = tile().image.wcs
        names = ("x", "y") if "x" in mock_stars.colnames else ("x_center", "y_center")
        x, y = (np.asarray(mock_stars[name], dtype=float) for name in names)
        sky = wcs.pixel_to_world(x, y)
        table = Table({"ra": sky.ra.deg, "dec": sky.dec.deg})
        table["k_m"] = np.asarray(mock_stars["mag"], dtype=float)
        table.write(stars, format="ascii.ecsv")
    return clusters, stars


def _score(reference, *options):
    clusters, stars = _score_files()
    given = ("--catalog", stars, "--reference", reference, "--cut", "everything")
    return command("score", clusters, *given, *options)


def _scored(reference, *options):
    code, _, said = _score(reference, *options)
    return "read" if code == 0 else said.strip()[-90:]


def edited_tables():
    """Read tables of clusters as other programs leave them."""
    flat = FOLDER / "flat.fits"
    clean().write(flat, overwrite=True)
    table = Table.read(flat)
    bare = Table({name: np.asarray(table[name]) for name in table.colnames})
    renamed = bare.copy()
    for axis in ("ra", "dec"):
        if axis in renamed.colnames:
            renamed.rename_column(axis, f"sky_center.{axis}")
    floats = bare.copy()
    floats["flags"] = floats["flags"].astype(float)
    files = {
        "sky_center.ra .fits": (renamed, "renamed.fits", "fits"),
        "sky_center.ra .vot": (renamed, "renamed.vot", "votable"),
        "no units .fits": (bare, "bare.fits", "fits"),
        "no units .vot": (bare, "bare.vot", "votable"),
        "flags float": (floats, "floats.fits", "fits"),
        "CSV": (bare, "bare.csv", "ascii.csv"),
    }
    got = {}
    for name, (content, file, kind) in files.items():
        content.write(FOLDER / file, format=kind, overwrite=True)
        read, _, error = outcome(lambda f=file: ClusterCatalog.read(FOLDER / f))
        got[name] = named(error) if error is not None else _same_table(read)
    return ONE, got


def _same_table(catalog):
    expected = clean().table
    offset = catalog.table["sky_center"][0].separation(expected["sky_center"][0])
    ratio = (catalog.table["radius"][0] / expected["radius"][0]).to_value(u.one)
    right = len(catalog) == 1 and offset < 0.1 * ARCSEC and abs(ratio - 1) < 1e-3
    return ONE if right else f"{offset.to_value(ARCSEC):.1f} arcsec off"


def regions_of_ds9():
    """Compare with regions of which some are excluded or have no extent."""
    lines = {
        "all": [_circle_text()],
        "excluded": [_circle_text(), _circle_text("-", 25)],
        "mixed": [
            _circle_text(),
            _circle_text().replace("circle", "point").replace(',40"', ""),
            f"# text{_circle_text()[6:].replace(',40', '')[:-2]}) text={{a}}",
        ],
    }
    shown = {}
    for name, text in lines.items():
        path = FOLDER / f"{name}.reg"
        path.write_text("\n".join(["# Region file format: DS9", "icrs", *text, ""]))
        output = FOLDER / f"{name}.ecsv"
        code, _, said = _score(path, "--output", output, "--overwrite")
        table = Table.read(output) if code == 0 else None
        shown[name] = (table, said)
    whole = int(shown["all"][0]["n_reference"][0])
    table, said = shown["excluded"]
    counted = table is not None and len(table) == 1
    honoured = counted and int(table["n_reference"][0]) < whole
    got = {"excluded": "honoured" if honoured else said.strip()[-90:] or "ignored"}
    table, said = shown["mixed"]
    skipped = table is not None and len(table) == 1 and said.count(" deg") == 2
    got["point, text"] = "honoured" if skipped else said.strip()[-90:] or "no warning"
    return "honoured", got
