# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Time and memory of the default detector.

Usage: ``python benchmarks/throughput.py [--threads 1] [--sides 512 1024 ...]
[--streamed 16384] [--repeats 5]``. All ratios are of times in one process after a
warm-up, the fastest of the repeats; memory is the peak above that after the imports,
in a process of its own (Linux only).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

TILE = (1024, 512)


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--sides", type=int, nargs="*", default=(512, 1024, 2048, 4096, 8192)
    )
    parser.add_argument(
        "--streamed", type=int, default=16384, help="side of a file read in blocks"
    )
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--memory-of-file", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    import torch

    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore")
    if arguments.memory_of:
        return print_memory(arguments.memory_of)
    if arguments.memory_of_file:
        return print_memory_of_file(arguments.memory_of_file)
    print(f"{arguments.threads} threads", flush=True)
    compare_with_photutils(arguments.repeats)
    cost_per_pixel(arguments.sides, arguments.repeats)
    call = [sys.executable, __file__, "--threads", str(arguments.threads)]
    for side in arguments.sides:
        subprocess.run([*call, "--memory-of", str(side)], check=True)
    if arguments.streamed:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{arguments.streamed}.fits"
            mosaic(arguments.streamed).write(path)
            subprocess.run([*call, "--memory-of-file", str(path)], check=True)
    return 0


def compare_with_photutils(repeats):
    from photutils.background import Background2D
    from photutils.detection import DAOStarFinder

    from astro_vaeclust import VAEClusterFinder
    from astro_vaeclust.simulation import mock_tile

    tile = mock_tile(1_000_000, shape=TILE)
    data, finder = tile.image.data, VAEClusterFinder()

    def sources():
        background = Background2D(data, 64, mask=tile.image.mask)
        noise = background.background_rms_median
        stars = DAOStarFinder(threshold=5 * noise, fwhm=2.8)
        return stars(data - background.background, mask=tile.image.mask)

    ours = fastest(lambda: finder.detect(tile.image), repeats)
    theirs = fastest(sources, repeats)
    print(f"detect on {TILE}: {ours:.3f} s")
    print(f"Background2D and DAOStarFinder: {theirs:.3f} s")
    print(f"ratio: {ours / theirs:.2f}")
    where_the_time_goes(finder, tile.image, repeats)


def where_the_time_goes(finder, image, repeats):
    from astro_vaeclust.detector.grid import NetworkGrid, NetworkImage
    from astro_vaeclust.detector.inference import run_network
    from astro_vaeclust.detector.model import load_model
    from astro_vaeclust.images.read import read_image

    network = load_model().quick_network_for(is_fine=False)
    fine_scale = network.settings.fine_scale
    pixels = read_image(image)
    finest = NetworkGrid.of_image(pixels, fine_scale)
    channels = NetworkImage.from_image(pixels, finest).channels
    read = fastest(lambda: read_image(image), repeats)
    grid = fastest(lambda: NetworkImage.from_image(pixels, finest), repeats)
    forward = fastest(lambda: run_network(network, channels), repeats)
    whole = fastest(lambda: finder.detect(image), repeats)
    bound = convolution_flops(network, channels) / flops_per_second()
    print(f"  input {read:.3f} s, sky and noise {grid:.3f} s, network {forward:.3f} s,")
    print(f"  coarser levels, table, heat map {whole - read - grid - forward:.3f} s")
    print(f"  network over the bound of its convolutions: {forward / bound:.2f}")


def convolution_flops(network, channels):
    """Count the multiplications and additions of the convolutions of one pass."""
    import torch

    from astro_vaeclust.detector.inference import run_network

    total = 0

    def count(layer, _, output):
        nonlocal total
        kernel = layer.weight.numel() // layer.out_channels
        total += 2 * kernel * output.numel()

    hooks = [
        layer.register_forward_hook(count)
        for layer in network.modules()
        if isinstance(layer, torch.nn.Conv2d)
    ]
    run_network(network, channels)
    for hook in hooks:
        hook.remove()
    return total


def flops_per_second():
    """Return what a product of large matrices reaches."""
    import torch

    a, b = torch.ones(2, 1024, 1024)
    return 2 * 1024**3 / fastest(lambda: a @ b, 10)


def cost_per_pixel(sides, repeats):
    from astro_vaeclust import VAEClusterFinder

    finder, costs = VAEClusterFinder(), []
    for side in sides:
        image = mosaic(side)
        seconds = fastest(partial(finder.detect, image), repeats)
        costs.append(1e6 * seconds / side**2)
        print(f"{side} x {side}: {costs[-1]:.3f} s per 10^6 pixels", flush=True)
    if costs:
        print(f"highest over lowest: {max(costs) / min(costs):.2f}")


def mosaic(side):
    """Repeat a mock tile to an image of any size."""
    import numpy as np
    from astropy.nddata import CCDData

    from astro_vaeclust.simulation import mock_tile

    tile = mock_tile(1_000_001, shape=(512, 512)).image
    times = -(-side // 512)
    data = np.tile(tile.data.astype(np.float32), (times, times))[:side, :side]
    return CCDData(data, unit=tile.unit, wcs=tile.wcs)


def print_memory(side):
    from astro_vaeclust import VAEClusterFinder

    image = mosaic(512)
    finder = VAEClusterFinder()
    finder.detect(image)  # what is imported late
    before = peak()
    finder.detect(mosaic(side))
    print(f"{side} x {side}: {peak() - before:.2f} GB, the image included")
    return 0


def print_memory_of_file(path):
    from astro_vaeclust import VAEClusterFinder

    finder = VAEClusterFinder()
    finder.detect(mosaic(512))  # what is imported late
    before = peak()
    start = time.perf_counter()
    found = len(finder.detect(path, block_size=2048))
    seconds = time.perf_counter() - start
    print(f"{Path(path).name} in blocks: {peak() - before:.2f} GB, {seconds:.0f} s,")
    print(f"  {found} clusters")
    return 0


def peak():
    """Return the largest resident memory so far in GB; not that of the parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024**2


def fastest(call, repeats):
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
