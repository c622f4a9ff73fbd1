# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest

from astro_vaeclust.survey.frames import assemble
from astro_vaeclust.survey.grid import SurveyGrid, pixel_grid

from .examples import SIDE, sky, write, write_cut
from .test_grid import make_wcs

pytest.importorskip("reproject")


def grid_of(wcs, shape, **facts):
    return SurveyGrid.from_scale(1.0, 0.6, side=SIDE, **facts)


def frame_at(grid, ra=275.12, dec=-16.18):
    return grid.frame(grid.sky.field(grid.sky.locate(ra, dec)))


def paths(folder):
    return sorted(map(str, folder.glob("*.fits")))


def pixels_of(*args):
    """Return the pixels of a frame in one band."""
    (pixels,) = assemble(*args).pixels.values()
    return pixels


@pytest.mark.parametrize("own_grid", [False, True])
def test_one_sky_cut_differently_gives_the_same_pixels(own_grid, tmp_path):
    pixels, wcs = sky()
    pixels[20:40, 100:130] = np.nan
    grid = grid_of(wcs, pixels.shape, pixels=None if own_grid else pixel_grid(wcs))
    frame = frame_at(grid)
    whole, *others = (
        pixels_of(paths(write_cut(tmp_path / str(n), pixels, wcs, n)), frame, grid)
        for n in (1, 2, 5)
    )
    assert np.isfinite(whole).mean() > 0.3
    for other in others:
        np.testing.assert_array_equal(whole, other)


def test_the_cut_of_images_that_overlap_changes_no_pixel(tmp_path):
    shape = (300, 320)
    frames = []
    for cut in (1, 3):
        folder = tmp_path / str(cut)
        for turn in (0.0, 0.5):
            wcs = make_wcs(275.12, -16.18 + turn / 20, shape=shape, turn=turn)
            pixels, _ = sky(shape=shape, seed=int(10 * turn) + 1)
            write_cut(folder / f"turn{turn}", pixels + 7 * turn, wcs, cut, overlap=9)
        grid = grid_of(wcs, shape)
        files = sorted(map(str, folder.glob("*/*.fits")))
        frames.append(pixels_of(files, frame_at(grid), grid))
    whole, cut = frames
    assert np.isfinite(whole).sum() > 1.2 * np.prod(shape)
    np.testing.assert_array_equal(whole, cut)


def test_pasted_pixels_are_those_of_the_image(tmp_path):
    pixels, wcs = sky()
    grid = grid_of(wcs, pixels.shape, pixels=pixel_grid(wcs))
    frame = frame_at(grid)
    found = pixels_of([write(tmp_path / "a.fits", pixels, wcs)], frame, grid)
    x, y = frame.wcs.world_to_pixel(wcs.pixel_to_world(200, 300))
    assert found[round(float(y)), round(float(x))] == pixels[300, 200]
    assert np.isfinite(found).sum() <= pixels.size


def test_other_grids_keep_their_pixels_by_nearest_neighbour(tmp_path):
    shape = (500, 520)
    turned = make_wcs(275.12, -16.18, shape=shape, turn=0.4)
    pixels, _ = sky(shape=shape)
    grid = grid_of(turned, shape)
    path = write(tmp_path / "a.fits", pixels, turned)
    found = pixels_of([path], frame_at(grid), grid)
    seen = found[np.isfinite(found)]
    assert seen.size > 1e5
    assert np.isin(seen, pixels).all()


def test_skies_are_matched_and_zero_points_scaled(tmp_path):
    pixels, wcs = sky()
    grid = grid_of(wcs, pixels.shape, pixels=pixel_grid(wcs), zero_point=20.0)
    frame = frame_at(grid)
    left, right = np.s_[:, :300], np.s_[:, 200:]
    write(tmp_path / "a.fits", pixels[left], wcs.slice(left))
    other = (pixels[right] + 35) / np.float32(10**0.2)
    write(tmp_path / "b.fits", other, wcs.slice(right), MAGZP=19.5)
    found = pixels_of(paths(tmp_path), frame, grid)
    whole = pixels_of([write(tmp_path / "c.fits", pixels, wcs)], frame, grid)
    difference = (found - whole)[np.isfinite(whole)]
    assert np.ptp(difference) < 1e-3
    assert np.mean(difference) == pytest.approx(17.5, abs=0.01)


def test_a_bad_image_is_named_or_left_out(tmp_path):
    pixels, wcs = sky()
    grid = grid_of(wcs, pixels.shape, pixels=pixel_grid(wcs))
    frame = frame_at(grid)
    good = write(tmp_path / "a.fits", pixels, wcs)
    bad = tmp_path / "b.fits"
    bad.write_bytes((tmp_path / "a.fits").read_bytes()[:40_000])
    with pytest.raises(OSError, match=r"b\.fits.*truncated"):
        assemble([good, str(bad)], frame, grid)
    left = assemble([good, str(bad)], frame, grid, skip_bad=True)
    np.testing.assert_array_equal(left.pixels[""], pixels_of([good], frame, grid))
    assert "b.fits" in left.bad[0]
