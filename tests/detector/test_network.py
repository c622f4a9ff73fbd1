# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the network says does not depend on how its maps are computed."""

import pytest
import torch

from astro_vaeclust.detector import network
from astro_vaeclust.detector.network import ConvolutionalVAE, NetworkSettings


@pytest.mark.parametrize("blocks", [(0, 0, 0, 0), (0, 1, 0, 0), (2, 1, 0, 0)])
def test_strips_say_what_the_whole_image_does(blocks, monkeypatch):
    settings = NetworkSettings(channels=(4, 4, 8, 8), blocks=blocks, fused=8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vae = ConvolutionalVAE(settings).eval()
    generator = torch.Generator().manual_seed(1)
    image = torch.randn(1, 3, 448, 128, generator=generator)
    with torch.inference_mode():
        whole = vae(image)
        monkeypatch.setattr(network, "CHUNK_PIXELS", 128 * 128)
        monkeypatch.setattr(network, "ROWS_AT_ONCE", 10)
        strips = vae(image)
    for name in ("center", "density", "measures"):
        torch.testing.assert_close(
            getattr(strips, name), getattr(whole, name), rtol=1e-6, atol=1e-6
        )
    torch.testing.assert_close(strips.classes, whole.classes, rtol=1e-6, atol=1e-5)


def test_sides_are_filled_with_zeros(monkeypatch):
    monkeypatch.setattr(network, "CHUNK_PIXELS", 128 * 128)
    settings = NetworkSettings(channels=(4, 4, 8, 8), blocks=(0, 1, 0, 0), fused=8)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        vae = ConvolutionalVAE(settings).eval()
    image = torch.rand(1, 3, 321, 100, generator=torch.Generator().manual_seed(1))
    filled = torch.nn.functional.pad(image, (0, 28, 0, 63))
    with torch.inference_mode():
        torch.testing.assert_close(
            vae(image).center, vae(filled).center, rtol=0, atol=0
        )
