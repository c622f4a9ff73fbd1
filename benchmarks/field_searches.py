# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Cases of ``field_cases.py``: blocks, coarse pixels, tiny images, and settings."""

from unittest import mock

import astropy.units as u
import numpy as np
from astropy.nddata import StdDevUncertainty
from field_helpers import (
    apart,
    as_nddata,
    header,
    outcome,
    pixels,
    refused,
    search,
    tile,
    write,
)

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.baselines import StarCounts
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.images.source import ImageSource


def blocks_as_whole():
    """Search in blocks what needs the care of the door."""
    got = {}
    quicklook = header(ORIGIN="2MASS", ORDATE="990502", SCANNO=142)
    lossy = write(
        "lossy.fits", np.rint(np.nan_to_num(pixels())).astype("i2"), quicklook
    )
    mask = np.zeros((400, 400), dtype=bool)
    mask[:20] = True
    inputs = {
        "lossy": lossy,
        "axes": write("axes.fits", pixels()[np.newaxis]),
        "nomask": as_nddata(pixels(), mask=np.ma.nomask),
        "mask": as_nddata(pixels(), mask=mask),
        "uncertainty": as_nddata(pixels(), uncertainty=StdDevUncertainty(5.0)),
        "masked array": np.ma.MaskedArray(pixels(), mask),
    }
    for name, data in inputs.items():
        wcs = tile().image.wcs if isinstance(data, np.ndarray) else None
        ended = [
            outcome(search(data, wcs=wcs, block_size=side)) for side in (None, 128)
        ]
        (whole, said, error), (blocks, other, wrong) = ended
        if error is not None or wrong is not None:
            same = error is not None and str(error) == str(wrong)
            got[name] = "as whole" if same else f"{error} / {wrong}"[:90]
            continue
        same = (
            said == other
            and len(whole) == len(blocks)
            and list(whole.table["flags"]) == list(blocks.table["flags"])
        )
        got[name] = "as whole" if same else f"{other} for {said}"[:90]
    return "as whole", got


def coarse_pixels():
    """Search images whose pixels are missing or coarse, in processes with bounds."""
    got = {}
    for name, side, scale in (
        ("no CDELT", 64, None),
        ('60"', 400, 60.0),
        ('21"', 512, 21.0),
        ('8"', 256, 8.0),
    ):
        head = header()
        if scale is None:
            del head["CDELT*"]
        else:
            head["CDELT1"], head["CDELT2"] = -scale / 3600, scale / 3600
        data = np.random.default_rng(0).normal(100, 5, (side, side)).astype("f4")
        path = write(f"coarse{side}_{scale}.fits", data, head)
        ended = apart("detect", path, "--quiet", seconds=30)
        expected = ("done",) if scale == 8 else ("done", "one line of error")
        got[name] = "done or refused" if ended in expected else ended
    return "done or refused", got


def reading_in_blocks():
    """Count the pixels that blocks of a coarse image read."""
    data = np.random.default_rng(0).normal(100, 5, (2048, 2048)).astype("f4")
    head = header(CDELT1=-5 / 3600, CDELT2=5 / 3600)
    path = write("blocks.fits", data, head)
    read = []
    part = ImageSource.part

    def counting(self, place, **options):
        rows, columns = place
        read.append((rows.stop - rows.start) * (columns.stop - columns.start))
        return part(self, place, **options)

    with mock.patch.object(ImageSource, "part", counting):
        _, _, error = outcome(search(path, block_size=1024))
    times = sum(read) / data.size
    said = f"{times:.1f} times" if error is None else str(error)[:60]
    return "at most 10 times", {'5"': "at most 10 times" if 0 < times < 10 else said}


def few_usable_pixels():
    """Leave so few pixels that no sky can be measured."""
    patch, strip = np.full((2, 512, 512), np.nan, dtype="f4")
    rng = np.random.default_rng(0)
    patch[200:212, 200:212] = rng.normal(100, 5, (12, 12))
    strip[:, 300] = rng.normal(100, 5, 512)
    small = rng.normal(100, 5, (5, 5)).astype("f4")
    images = {"12 x 12": patch, "strip": strip, "5 x 5": small}
    searches = {"default": VAEClusterFinder(), "star counts": StarCounts()}
    got = {
        f"{name}, {which}": refused(
            lambda d=data, f=finder: f.detect(as_nddata(d)), "too few usable pixels"
        )
        for name, data in images.items()
        for which, finder in searches.items()
    }
    return "refused by name", got


def settings_that_cannot_act():
    """Give settings that the search chosen by the others would ignore."""
    rate = 1 / u.deg**2
    wrong = {
        "no model, mixture": lambda: VAEClusterFinder(
            embedding=ConvVAE(model="/nonexistent.pt"), mixture="gmm"
        ),
        "rate, pca": lambda: VAEClusterFinder(
            embedding="pca", max_false_alarm_rate=2 * rate
        ),
        "rate, dense": lambda: VAEClusterFinder(
            embedding="dense-vae", max_false_alarm_rate=2 * rate
        ),
        "rate, mixture": lambda: VAEClusterFinder(
            mixture="gmm", max_false_alarm_rate=2 * rate
        ),
        "patch_sizes": lambda: ConvVAE(patch_sizes=(16, 32)),
        "n_seeds": lambda: ConvVAE(n_seeds=3),
    }
    return "refused", {
        name: "refused" if outcome(action)[2] is not None else "taken"
        for name, action in wrong.items()
    }


def blocks_with_a_mixture():
    """Search in blocks by a mixture that is fitted to the image."""
    got = {}
    for embedding in ("conv-vae", "pca"):
        finder = VAEClusterFinder(embedding=embedding, mixture="gmm")
        image = as_nddata(pixels())
        blocks, _, error = outcome(
            lambda f=finder, d=image: f.detect(d, block_size=128)
        )
        if error is not None:
            got[embedding] = "as whole or refused"
            continue
        whole, _, _ = outcome(lambda f=finder, d=image: f.detect(d))
        same = len(whole) == len(blocks)
        got[embedding] = "as whole or refused" if same else "another result"
    return "as whole or refused", got
