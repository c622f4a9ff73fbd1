# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Training side by side: the same bits, and the state of torch is left alone."""

import threading

import numpy as np
import pytest
import torch

from astro_vaeclust.embeddings._concurrency import run_side_by_side
from astro_vaeclust.embeddings.dense import DenseVAE
from astro_vaeclust.images.prepare import PreparedImage


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def threads_of_a_new_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


def test_same_bits_on_one_and_two_threads(two_threads):
    pixels = np.random.default_rng(1).random((40, 40), dtype=np.float32)
    image = PreparedImage(pixels, np.zeros(pixels.shape, bool), np.zeros_like(pixels))
    backend = DenseVAE(
        patch_sizes=(8, 12, 16),
        hidden=(16, 8),
        latent=2,
        n_steps=60,
        learning_rate=1e-2,
    )

    def embed():
        return backend.embed(image, seed=3, device="cpu")

    on_two = embed()
    torch.set_num_threads(1)
    for one, two in zip(embed(), on_two, strict=True):
        assert one.patch_size == two.patch_size
        np.testing.assert_array_equal(one.mean, two.mean)
        assert one.diagnostics == two.diagnostics


def test_number_of_threads_is_left_alone(two_threads):
    inside = run_side_by_side([lambda watch: torch.get_num_threads()] * 3, n_threads=2)
    assert inside == [1, 1, 1]
    assert torch.get_num_threads() == 2
    assert threads_of_a_new_thread() == 2


def test_a_failure_stops_the_others():
    done = []

    def fails(watch):
        raise ValueError("data is bad")

    def endless(watch):
        done.extend(watch(range(10**9)))

    with pytest.raises(ValueError, match="data is bad"):
        run_side_by_side([endless, fails], n_threads=2)


def test_an_interrupt_stops_all():
    def bar(iterable):
        for number, _ in enumerate(iterable):
            if number == 3:
                raise KeyboardInterrupt

    def endless(watch):
        for _ in watch(range(10**9)):
            pass

    with pytest.raises(KeyboardInterrupt):
        run_side_by_side([endless, endless], n_threads=2, bar=bar)
