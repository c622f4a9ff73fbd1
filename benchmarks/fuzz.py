# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Search broken FITS files, and count how the searches end.

Usage: ``python benchmarks/fuzz.py [--n 10000] [--seed 0]``. Each file is a
128 x 128 image with one cluster after one to three mutations of its cards, pixels or
structure (``tests/mutations.py``). Prints how many searches ended in a result, in an
error that names an argument, or in anything else, and how many results differ from that
of the clean file without a warning. Exits with 1 unless the last two are none.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.endings import differs_silently, search
from tests.mutations import MUTATIONS, mutated

OTHER, SILENT = "anything else", "differs without a warning"

LARGEST = 3
"""Most mutations of one file."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=10_000, help="number of files")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    start, endings = time.perf_counter(), Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "broken.fits"
        for number in range(arguments.n):
            names, seed = _draw(arguments.seed, number)
            file = mutated(names, seed)
            path.write_bytes(file.to_bytes())
            ending = search(path)
            endings[ending.kind] += 1
            silent = differs_silently(file, ending, Path(folder))
            endings[SILENT] += silent
            if silent or ending.kind == OTHER:
                print(f"{'+'.join(names)} (seed {seed}): {ending}", flush=True)
    for kind in ("result", "typed error", OTHER, SILENT):
        print(f"{kind:26}{endings[kind]:7}")
    print(f"{arguments.n} files in {time.perf_counter() - start:.0f} s")
    return int(endings[OTHER] + endings[SILENT] > 0)


def _draw(seed, number):
    """Draw the mutations of one file and the seed of their random numbers."""
    rng = np.random.default_rng([seed, number])
    names = rng.choice(list(MUTATIONS), int(rng.integers(1, LARGEST + 1)))
    return tuple(map(str, names)), int(rng.integers(2**31))


if __name__ == "__main__":
    sys.exit(main())
