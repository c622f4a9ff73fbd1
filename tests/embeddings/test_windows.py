# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Windows, latent maps, and the way from cells back to pixels."""

import numpy as np
import pytest

from astro_vaeclust.embeddings import LatentMap
from astro_vaeclust.embeddings.windows import WindowGrid


def make_grid(shape=(37, 50), patch_size=8, overlap=0.5, mask=None, max_masked=0.5):
    pixels = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    mask = np.zeros(shape, bool) if mask is None else mask
    return pixels, WindowGrid(pixels, mask, patch_size, overlap, max_masked)


def make_map(grid, valid=None):
    valid = grid.valid if valid is None else valid
    zeros = np.zeros((*valid.shape, 1), np.float32)
    return LatentMap(
        mean=zeros,
        variance=zeros,
        valid=valid,
        patch_size=grid.patch_size,
        stride=grid.stride,
        image_shape=grid.image_shape,
    )


def test_windows_are_views():
    _, grid = make_grid()
    assert np.shares_memory(grid.views, grid._pixels)
    assert grid.views.shape == (*grid.valid.shape, 8, 8)


@pytest.mark.parametrize(
    ("overlap", "stride"), [(0, 8), (0.5, 4), (0.75, 2), (0.99, 1)]
)
def test_windows_lie_on_the_grid(overlap, stride):
    pixels, grid = make_grid(overlap=overlap)
    assert grid.stride == stride
    np.testing.assert_array_equal(
        grid.views[2, 3],
        pixels[2 * stride : 2 * stride + 8, 3 * stride : 3 * stride + 8],
    )
    cut = grid.cut(np.array([[2, 3], [0, 1]]))
    np.testing.assert_array_equal(cut[0], grid.views[2, 3].ravel())


@pytest.mark.parametrize("shape", [(8, 8), (9, 8), (37, 50), (40, 48)])
@pytest.mark.parametrize("overlap", [0, 0.5, 0.8])
def test_windows_cover_every_pixel(shape, overlap):
    _, grid = make_grid(shape, overlap=overlap, max_masked=0.9)
    covered = make_map(grid, np.ones_like(grid.valid)).to_image(
        np.ones(grid.valid.shape)
    )
    np.testing.assert_array_equal(covered, np.ones(shape))


def test_mostly_masked_windows_are_not_used():
    mask = np.zeros((37, 50), bool)
    mask[:8, :5] = True
    _, grid = make_grid(mask=mask)
    assert not grid.valid[0, 0]
    assert grid.valid[0, 1]
    assert [0, 0] not in grid.usable_cells().tolist()


def test_no_usable_window():
    mask = np.ones((37, 50), bool)
    mask[0, 0] = False
    _, grid = make_grid(mask=mask)
    with pytest.raises(ValueError, match="data has no window of 8 pixels"):
        grid.usable_cells()


def test_cells_against_loops():
    rng = np.random.default_rng(0)
    shape = (29, 31)
    mask = rng.random(shape) < 0.2
    image = rng.normal(size=shape)
    _, grid = make_grid(shape, patch_size=7, overlap=0.6, mask=mask)
    latent_map = make_map(grid)
    means = latent_map.cell_means(image, mask)
    total, count = np.zeros(shape), np.zeros(shape)
    values = rng.random(grid.valid.shape)
    for i, j in np.ndindex(grid.valid.shape):
        window = (
            slice(i * grid.stride, i * grid.stride + 7),
            slice(j * grid.stride, j * grid.stride + 7),
        )
        assert means[i, j] == pytest.approx(image[window][~mask[window]].mean())
        total[window] += values[i, j] * grid.valid[i, j]
        count[window] += grid.valid[i, j]
    traced = latent_map.to_image(values)
    seen = count > 0
    np.testing.assert_allclose(traced[seen], total[seen] / count[seen])
    assert np.isnan(traced[~seen]).all()


def test_cell_without_a_pixel_has_no_mean():
    mask = np.zeros((16, 16), bool)
    mask[:8, :8] = True
    _, grid = make_grid((16, 16), mask=mask)
    assert np.isnan(make_map(grid).cell_means(np.ones((16, 16)), mask)[0, 0])


def test_features_join_means_and_deviations():
    valid = np.array([[True, True], [False, True]])
    mean = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    variance = np.array([[[4, 1], [9, 1]], [[0, 0], [16, 1]]], np.float32)
    latent_map = LatentMap(mean, variance, valid, 4, 2, (6, 6))
    np.testing.assert_array_equal(
        latent_map.features, [[0, 1, 2], [2, 3, 3], [6, 7, 4]]
    )
