# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Speed and memory of the paper's method, as ratios.

Prints, for ``VAEClusterFinder.paper()`` on a mock tile of 512 x 1024 pixels,

1. the time of training and embedding over that of the bare matrix products of the
   same shapes, in the same process;
2. the peak memory of a whole detection above that of the imports;
3. the time that pythae takes for the same network and the same steps over ours
   (``pip install pythae`` first; left out without it);
4. the time of ``import astro_vaeclust`` over that of ``import photutils.segmentation``.

What is timed against the matrix products: ``DenseVAE.embed`` of the four patch
sizes, from the prepared pixels to the latent maps (windows, weights, training,
embedding of all windows), once per size and once for all together, as a finder does.
The products are those of forward and backward pass of every step and of the embedding,
size after size, on as many threads as torch has.

What is timed against pythae: the same on our side, but with the prior and the
divergence of its VAE (standard normal, analytic), and at least as many steps as
pythae takes in whole epochs. On its side, size after size: its ``VAE`` with our dense
layers and Bernoulli likelihood, trained on the windows by its ``TrainingPipeline``
with its defaults except for epochs, batch size and step size (its data loader, Adam,
best model kept and final model saved), then its encoder on all windows. Progress bars
and log go to memory. Both have the same threads, the runs of both alternate, and the
ratio is the median of those of a run and the one after it, so that a machine that is
slow for a while is so for both.

Run on an idle machine: ``python benchmarks/paper_mode.py [--repeat 3] [--steps 200]``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from itertools import pairwise

PATCH_SIZES = (16, 32, 48, 64)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--repeat", type=int, default=3, help="runs; medians count")
    parser.add_argument(
        "--steps", type=int, help="training steps; default the preset's"
    )
    parser.add_argument("--memory-only", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_only:
        print(peak_memory_above_imports(arguments.steps))
        return
    report_matrix_products(arguments.repeat, arguments.steps)
    report_memory(arguments.steps)
    report_pythae(arguments.repeat, arguments.steps)
    report_imports(max(5, arguments.repeat))


def paper_finder(n_steps):
    from astro_vaeclust import VAEClusterFinder

    finder = VAEClusterFinder.paper()
    if n_steps:
        finder = replace(finder, embedding=replace(finder.embedding, n_steps=n_steps))
    return finder


def mock_image():
    from astro_vaeclust.simulation import simulate_tile

    return simulate_tile(shape=(1024, 512), clusters=1, seed=1).image


def prepared_tile(finder):
    from astro_vaeclust.images.read import read_image

    return finder.embedding.prepare(read_image(mock_image()))


def timed(function):
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function()
    return time.perf_counter() - start


def report_matrix_products(repeat, n_steps):
    import torch

    finder = paper_finder(n_steps)
    prepared = prepared_tile(finder)
    warm_up = replace(finder, embedding=replace(finder.embedding, n_steps=2))
    timed(lambda: embed(warm_up, prepared, PATCH_SIZES[0]))
    print(f"torch threads: {torch.get_num_threads()}")
    print("patch   train and embed   bare products   ratio (medians of pairs)")
    for sizes in [*((size,) for size in PATCH_SIZES), PATCH_SIZES]:
        ours, bare, ratio = compare(
            lambda sizes=sizes: embed(finder, prepared, *sizes),
            [bare_products(finder, prepared, size) for size in sizes],
            repeat,
        )
        one = len(sizes) == 1
        name, end = (f"{sizes[0]:5d}", "") if one else ("  all", "(asked: at most 3)")
        print(
            f"{name} {ours:13.2f} s {bare:13.2f} s {1 / ratio:9.2f}   {end}",
            flush=True,
        )


def compare(ours, others, repeat):
    """Time both in turn; return the median times, and the median ratio of a pair."""
    pairs = [
        (timed(ours), sum(timed(other) for other in others)) for _ in range(repeat)
    ]
    ratio = statistics.median(theirs / our for our, theirs in pairs)
    return *(statistics.median(times) for times in zip(*pairs, strict=True)), ratio


def embed(finder, prepared, *sizes):
    embedding = replace(finder.embedding, patch_sizes=sizes)
    return embedding.embed(prepared, seed=0, device="cpu")


def layer_shapes(embedding, size):
    """Return inputs and outputs of every dense layer, in the order of the data."""
    n_pixels = size**2
    encoder = (n_pixels, *embedding.hidden)
    decoder = (embedding.latent, *embedding.hidden[::-1], n_pixels)
    head = (embedding.hidden[-1], 2 * embedding.latent)
    return [*pairwise(encoder), head, *pairwise(decoder)]


def bare_products(finder, prepared, size):
    """Return a function that does the matrix products of training and embedding."""
    import torch

    embedding = finder.embedding
    grid = embedding.windows(prepared, size)
    n_windows = int(grid.valid.sum())
    batch = min(embedding.batch_size, n_windows)
    shapes = layer_shapes(embedding, size)
    generator = torch.Generator().manual_seed(0)
    layers = [
        tuple(
            torch.randn(shape, generator=generator)
            for shape in ((batch, n_in), (n_in, n_out), (batch, n_out))
        )
        for n_in, n_out in shapes
    ]
    windows = torch.randn(1024, size**2, generator=generator)
    encoder = [weight for _, weight, _ in layers[: len(embedding.hidden)]]

    def train_and_embed():
        for _ in range(embedding.n_steps):
            for number, (inputs, weight, gradient) in enumerate(layers):
                inputs @ weight
                inputs.T @ gradient
                if number:  # nobody needs the gradient of the pixels
                    gradient @ weight.T
        for _ in range(-(-n_windows // 1024)):
            hidden = windows
            for weight in encoder:
                hidden = hidden @ weight

    return train_and_embed


def report_memory(n_steps):
    steps = ["--steps", str(n_steps)] if n_steps else []
    output = subprocess.run(
        [sys.executable, __file__, "--memory-only", *steps],
        capture_output=True,
        text=True,
        check=True,
    )
    print(
        f"peak memory of a detection above the imports: {float(output.stdout):.0f} MB"
        "   (at most 400 is asked for)",
        flush=True,
    )


def peak_memory_above_imports(n_steps):
    """Peak memory of a detection above the peak of importing all that it needs, MB."""
    import resource

    import sklearn.mixture  # noqa: F401

    finder = paper_finder(n_steps)
    image = mock_image()

    def peak():
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

    before = peak()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        finder.detect(image)
    return peak() - before


def report_pythae(repeat, n_steps):
    if importlib.util.find_spec("pythae") is None:
        print("pythae is not installed: left out")
        return
    finder = paper_finder(n_steps)
    finder = replace(
        finder,
        embedding=replace(
            finder.embedding, prior="standard-normal", divergence="kl-analytic"
        ),
    )
    prepared = prepared_tile(finder)
    print("patch   ours   pythae   ratio (same steps and batches; medians of pairs)")
    trainings = [pythae_training(finder, prepared, size) for size in PATCH_SIZES]
    runs = [
        ((size,), [training])
        for size, training in zip(PATCH_SIZES, trainings, strict=True)
    ]
    for sizes, theirs in [*runs, (PATCH_SIZES, trainings)]:
        n_steps = max(n for _, n in theirs)
        report_against_pythae(finder, prepared, sizes, theirs, n_steps, repeat)


def report_against_pythae(finder, prepared, sizes, trainings, n_steps, repeat):
    embedding = replace(finder.embedding, n_steps=n_steps)
    finder = replace(finder, embedding=embedding)
    ours, theirs, ratio = compare(
        lambda: embed(finder, prepared, *sizes),
        [train for train, _ in trainings],
        repeat,
    )
    one = len(sizes) == 1
    name, end = (
        (f"{sizes[0]:5d}", f"({n_steps} steps)")
        if one
        else ("  all", "(asked: at least 2.3)")
    )
    print(f"{name} {ours:6.2f} s {theirs:6.2f} s {ratio:7.2f}   {end}", flush=True)


def pythae_training(finder, prepared, size):
    """Return a function that trains and embeds by pythae, and its steps."""
    import torch
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig
    from torch import nn

    logging.disable(logging.WARNING)
    embedding = finder.embedding
    grid = embedding.windows(prepared, size)
    data = torch.from_numpy(grid.cut(grid.usable_cells()))

    def dense(widths):
        pairs = pairwise(widths)
        layers = [layer for pair in pairs for layer in (nn.Linear(*pair), nn.ReLU())]
        return nn.Sequential(*layers)

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.layers = dense((size**2, *embedding.hidden))
            self.mean = nn.Linear(embedding.hidden[-1], embedding.latent)
            self.log_variance = nn.Linear(embedding.hidden[-1], embedding.latent)

        def forward(self, x):
            hidden = self.layers(x)
            return ModelOutput(
                embedding=self.mean(hidden), log_covariance=self.log_variance(hidden)
            )

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.layers = dense((embedding.latent, *embedding.hidden[::-1]))
            self.head = nn.Linear(embedding.hidden[0], size**2)

        def forward(self, z):
            outputs = torch.sigmoid(self.head(self.layers(z)))
            return ModelOutput(reconstruction=outputs)

    batch = min(embedding.batch_size, len(data))
    steps_per_epoch = -(-len(data) // batch)
    n_epochs = max(1, round(embedding.n_steps / steps_per_epoch))

    def train_and_embed():
        torch.manual_seed(0)
        model = VAE(
            VAEConfig(
                input_dim=(size**2,),
                latent_dim=embedding.latent,
                reconstruction_loss="bce",
            ),
            encoder=Encoder(),
            decoder=Decoder(),
        )
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            settings = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=n_epochs,
                learning_rate=embedding.learning_rate,
                per_device_train_batch_size=batch,
                no_cuda=True,
            )
            TrainingPipeline(model=model, training_config=settings)(data)
        with torch.inference_mode():
            model.encoder(data)

    return train_and_embed, n_epochs * steps_per_epoch


def report_imports(repeat):
    names = ("astro_vaeclust", "photutils.segmentation")
    times = {name: [] for name in names}
    for _ in range(repeat):
        for name in names:
            command = [sys.executable, "-c", f"import {name}"]
            environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
            times[name].append(
                timed(lambda c=command, e=environment: subprocess.run(c, env=e))
            )
    ours, theirs = (statistics.median(times[name]) for name in names)
    print(
        f"import: ours {ours:.2f} s, photutils.segmentation {theirs:.2f} s, "
        f"ratio {ours / theirs:.2f}   (at most 1.5 is asked for)"
    )


if __name__ == "__main__":
    main()
