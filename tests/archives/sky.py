# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A made-up sky, and answers about it in the formats of the archives.

Nothing here is a recorded answer; where a format follows one, the function says which.
Stars are given by a table with ra, dec, j, h, k and, for UKIDSS, mergedclass.
"""

import io

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits, votable
from astropy.table import Table
from astropy.wcs import WCS

CENTER = SkyCoord(92.133, 20.65, unit="deg")
"""Where the made-up sky is: about IRAS 06055+2039."""

MISSING = -9.999995e8
"""What the archives in Edinburgh write for a missing magnitude."""

ZERO_POINT = 19.9
SKY_LEVEL = 510.0


def make_stars(n=900, *, center=CENTER, radius=0.25 * u.deg, seed=1):
    """Return a table of stars spread evenly over a cone."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 360, n) * u.deg
    distance = radius * np.sqrt(rng.uniform(size=n))
    sky = center.directional_offset_by(angle, distance)
    k = rng.uniform(9, 15, n)
    return Table(
        {
            "ra": sky.ra.deg,
            "dec": sky.dec.deg,
            "j": k + rng.uniform(0.2, 2, n),
            "h": k + rng.uniform(0.1, 0.8, n),
            "k": k,
            "mergedclass": rng.choice([-1, -2, 1, -3, 0, -9], n),
        }
    )


def make_tile(center, stars, *, shape=(1024, 512), sky=SKY_LEVEL, seed=2, band="k"):
    """Return the bytes of a FITS file like a 2MASS Atlas image."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---SIN", "DEC--SIN"]
    wcs.wcs.crval = [center.ra.deg, center.dec.deg]
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.set()
    pixels = np.random.default_rng(seed).normal(sky, 1.1, shape).astype(np.float32)
    _paint(pixels, wcs, stars, band)
    pixels[:, :5] = pixels[:, -4:] = np.nan
    header = wcs.to_header()
    header.update(MAGZP=ZERO_POINT, SKYVAL=float(sky), ORIGIN="2MASS", FILTER=band)
    file = io.BytesIO()
    fits.PrimaryHDU(pixels, header).writeto(file)
    return file.getvalue()


def make_cutout(center, stars, *, width, scale=0.4 * u.arcsec, seed=3, band="k"):
    """Return the bytes of a FITS file like a cutout of WSA: the image is in HDU 1."""
    n = round((width / scale).to_value(u.one))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---ZPN", "DEC--ZPN"]
    wcs.wcs.crval = [center.ra.deg, center.dec.deg]
    wcs.wcs.crpix = [(n + 1) / 2] * 2
    wcs.wcs.cd = np.diag([-1, 1]) * scale.to_value(u.deg)
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.set_pv([(2, 1, 1.0), (2, 3, -46.0)])
    wcs.wcs.set()
    pixels = np.random.default_rng(seed).normal(100, 1, (n, n)).astype(np.float32)
    _paint(pixels, wcs, stars, band)
    header = wcs.to_header()
    header.update(MAGZPT=22.5, EXPTIME=5.0, SKYLEVEL=100.0)
    file = io.BytesIO()
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(pixels, header)]
    fits.HDUList(hdus).writeto(file)
    return file.getvalue()


def _paint(pixels, wcs, stars, band):
    """Add stars of 2.7 pixels width to an image."""
    sky = SkyCoord(stars["ra"], stars["dec"], unit="deg")
    x, y = wcs.world_to_pixel(sky)
    near = np.arange(-6, 7)
    for column, row, mag in zip(x, y, stars[band], strict=True):
        if not (8 < column < pixels.shape[1] - 8 and 8 < row < pixels.shape[0] - 8):
            continue
        i, j = round(float(row)), round(float(column))
        squares = (near[:, None] + i - row) ** 2 + (near[None, :] + j - column) ** 2
        flux = 10 ** (0.4 * (ZERO_POINT - mag))
        pixels[i - 6 : i + 7, j - 6 : j + 7] += flux / 8.3 * np.exp(-squares / 2.64)


def inside(stars, center, radius):
    """Return the stars in a cone."""
    sky = SkyCoord(stars["ra"], stars["dec"], unit="deg")
    return stars[sky.separation(center) <= radius]


def votable_bytes(table, *, status=None):
    """Return a VOTable; with a query status as the protocols of the VO ask for."""
    tree = votable.from_table(table)
    if status is not None:
        info = votable.tree.Info(name="QUERY_STATUS", value=status)
        tree.resources[0].infos.append(info)
        tree.resources[0].type = "results"
    file = io.BytesIO()
    tree.to_xml(file)
    return file.getvalue().replace(b'name="_2MASS"', b'name="2MASS"')


def irsa_psc(stars):
    """Return sources as IRSA's TAP does for fp_psc (columns as in Cone.xml)."""
    n = len(stars)
    table = Table({"ra": stars["ra"], "dec": stars["dec"]})
    table["designation"] = [f"0608{i:04d}+2039000" for i in range(n)]
    for band in "jhk":
        table[f"{band}_m"] = stars[band]
        table[f"{band}_cmsig"] = np.full(n, 0.03)
        table[f"{band}_msigcom"] = np.full(n, 0.04)
    table["ph_qual"] = ["AAA" if i % 3 else "AAU" for i in range(n)]
    table["rd_flg"] = ["222" if i % 4 else "220" for i in range(n)]
    table["bl_flg"] = ["111"] * n
    table["cc_flg"] = ["000" if i % 5 else "00c" for i in range(n)]
    for name in ("ra", "dec"):
        table[name].unit = u.deg
    return table


def vizier_psc(stars):
    """Return sources as VizieR does for II/246 (columns as in its recorded table)."""
    irsa = irsa_psc(stars)
    names = {
        "ra": "RAJ2000",
        "dec": "DEJ2000",
        "designation": "_2MASS",
        **{f"{band}_m": f"{band.upper()}mag" for band in "jhk"},
        **{f"{band}_msigcom": f"e_{band.upper()}mag" for band in "jhk"},
        "ph_qual": "Qflg",
        "rd_flg": "Rflg",
        "bl_flg": "Bflg",
        "cc_flg": "Cflg",
    }
    table = Table({new: irsa[old] for old, new in names.items()})
    return table


def wsa_sources(stars):
    """Return sources as WSA does for gpsSource (columns as in votable.xml)."""
    n = len(stars)
    table = Table(
        {
            "sourceID": np.arange(n) + 438758381345,
            "framesetID": np.full(n, 438086690175),
            "RA": stars["ra"],
            "Dec": stars["dec"],
            "mergedClass": np.asarray(stars["mergedclass"], dtype=np.int16),
            "priOrSec": np.where(np.arange(n) % 7, 0, 438086690175),
        }
    )
    table["priOrSec"][3::14] = 438086690999  # seen better on another frame
    for band, name in (("j", "J"), ("h", "H"), ("k", "K_1")):
        values = np.asarray(stars[band], dtype=np.float32)
        values[5::11] = MISSING if band == "j" else values[5::11]
        table[f"{name}AperMag3"] = values
        table[f"{name}AperMag3Err"] = np.full(n, 0.02, dtype=np.float32)
    table["K_1ppErrBits"] = np.where(np.arange(n) % 9, 0, 4096).astype(np.int32)
    return table


def vizier_gps(stars):
    """Return sources as VizieR does for II/316 (names of code that reads it)."""
    return Table(
        {
            "UGPS": [f"J060832.10+2038{i:04d}" for i in range(len(stars))],
            "RAICRS": stars["ra"],
            "DEICRS": stars["dec"],
            "Jmag": stars["j"],
            "Hmag": stars["h"],
            "Kmag1": stars["k"],
            "e_Kmag1": np.full(len(stars), 0.02),
            "Kflag1": np.where(np.arange(len(stars)) % 9, 0, 4096).astype(np.int32),
            "cl": np.asarray(stars["mergedclass"], dtype=np.int16),
        }
    )


def vsa_sources(stars):
    """Return sources as VSA does for vvvSource (names from its documentation)."""
    table = wsa_sources(stars)
    for name in table.colnames:
        if name.startswith("K_1"):
            table.rename_column(name, name.replace("K_1", "ks"))
    return table


def vizier_vvv(stars):
    """Return sources as VizieR does for II/348 (names of code that reads it)."""
    return Table(
        {
            "RAJ2000": stars["ra"],
            "DEJ2000": stars["dec"],
            "Jmag3": stars["j"],
            "Hmag3": stars["h"],
            "Ksmag3": stars["k"],
            "e_Ksmag3": np.full(len(stars), 0.02),
            "mClass": np.asarray(stars["mergedclass"], dtype=np.int16),
        }
    )


def obscore(tiles, url):
    """Return a list of tiles as the SIA of version 2 does (columns of ObsCore)."""
    table = Table(
        {
            "access_url": [url + tile.path for tile in tiles],
            "access_format": ["image/fits"] * len(tiles),
            "dataproduct_type": ["image"] * len(tiles),
            "dataproduct_subtype": ["science"] * len(tiles),
            "obs_collection": ["twomass_allsky"] * len(tiles),
            "s_ra": [tile.center.ra.deg for tile in tiles],
            "s_dec": [tile.center.dec.deg for tile in tiles],
        }
    )
    return table if tiles else _empty_like(table, "access_url")


def old_sia(tiles, url):
    """Return a list of tiles as the older SIA of 2MASS does (sia_2mass_table.csv)."""
    rows = [
        (url + tile.path, kind, tile)
        for tile in tiles
        for kind in ("image/fits", "text/html")
    ]
    table = Table(
        {
            "name": [f"Atlas Image {tile.path}" for _, _, tile in rows],
            "download": [link for link, _, _ in rows],
            "center_ra": [tile.center.ra.deg for _, _, tile in rows],
            "center_dec": [tile.center.dec.deg for _, _, tile in rows],
            "format": [kind for _, kind, _ in rows],
            "band": [tile.band for _, _, tile in rows],
        }
    )
    return table if rows else _empty_like(table, "download")


def old_sia_votable(table):
    """Return a list of tiles as a VOTable with the UCDs of the older protocol."""
    content = votable_bytes(table, status="OK")
    ucds = {"download": "VOX:Image_AccessReference", "format": "VOX:Image_Format"}
    for name, ucd in ucds.items():
        content = content.replace(
            f' name="{name}"'.encode(), f' name="{name}" ucd="{ucd}"'.encode()
        )
    return content


def _empty_like(table, text):
    return Table({name: np.empty(0, dtype="U1") for name in table.colnames})


def simbad(name, known):
    """Return an object as SIMBAD's TAP does for a query by name."""
    found = [known[name]] if name in known else []
    return Table(
        {
            "main_id": np.array([name] * len(found), dtype="U20"),
            "ra": np.array([position.ra.deg for position in found], dtype=float),
            "dec": np.array([position.dec.deg for position in found], dtype=float),
            "matched_id": np.array([name] * len(found), dtype="U20"),
        }
    )


def wsa_image_page(links):
    """Return the page of GetImage with links to cutouts (image_results.html)."""
    rows = "".join(
        f'<tr bgcolor=#FFDDDD>\n<td><a href="{link}" target=show>show</a></td>\n'
        "<td nowrap>1737581</td>\n"
        for link in links
    )
    return (
        "<HTML><HEAD>&nbsp;</HEAD><h3>GetImage cut-out results</h3>\n"
        "<br><b>Programme:</b> UKIDSS Galactic Plane Survey, GPS\n"
        f'<table border="1">{rows}</table>\n{len(links)} rows returned. \n'
    ).encode()


def wsa_result_page(link, n):
    """Return the page of WSASQL with a link to a VOTable (vo_results.html)."""
    launch = link.replace("/tmp/", ":8080/ssa/launch.jsp?file=")
    return (
        "<html><head><title>WSA Database - SQL Query Results</title></head><body>\n"
        "<p>Connected to database</p>\n"
        f"<p>(Query returned {n} result rows)</p>\n"
        f'<td><a href="{link}">Download Results File </a></td>\n'
        f'<td><a href="{launch}">Launch file in Topcat</a></td>\n'
        "<p><b>QUERY FINISHED:</b> Thu Aug 01 10:22:49 BST 2013</p></body></html>"
    ).encode()


def wsa_error_page():
    """Return the page of a query that WSA refuses (error.html)."""
    return (
        b"<html><body><p>Connected to database</p>\n"
        b'<h1 class="error">Error Message</h1>\n<p class="error">\n'
        b"<b>SQL Error:</b> The SELECT permission was denied on the object 'gpsSource'."
        b"</p>\n<p><b>QUERY FINISHED:</b> Thu Aug 01</p></body></html>"
    )
