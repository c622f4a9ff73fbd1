# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Try the kinds of fault that real files, tables and settings have, a line per kind.

Usage: ``python benchmarks/field_cases.py [--only WORDS]``. Prints for each kind what is
expected and what came out, of the variants that differ each, and exits with 1 if any
does. With ASTRO_VAECLUST_DATA set to the folder of real images, these are tried, too.
"""

import argparse
import shutil
import sys
import time

import field_images as images
import field_searches as searches
import field_tables as tables
from field_helpers import FOLDER, named

CASES = {
    "1 zero-filled sky": images.zero_filled_sky,
    "2 sentinels beyond 1e19": images.huge_sentinels,
    "3 units": images.units_of_pixels,
    "4 WCS cards that wcslib rejects": images.unreadable_wcs_cards,
    "5 SCAMP's PV on TAN": images.scamp_on_tan,
    "6 pixel scale far from CRVAL": images.pixel_scale_where_it_is_used,
    "7 angles of regions in other frames": tables.angles_of_regions,
    "8 zero points of mosaics": images.zero_points_of_mosaics,
    "9 units in tables": tables.units_of_tables,
    "10 positions in words": tables.positions_in_words,
    "11 blocks forget": searches.blocks_as_whole,
    "12 tables alone on standard output": images.tables_only_on_output,
    "13 coarse or missing pixel scale": searches.coarse_pixels,
    "14 unparsable optional cards": images.unparsable_optional_cards,
    "15 blocks of coarse images": searches.reading_in_blocks,
    "16 sources=": tables.odd_tables_of_sources,
    "17 files of several images": tables.files_of_several_images,
    "18 edited tables": tables.edited_tables,
    "19 a few usable pixels": searches.few_usable_pixels,
    "20 DS9": tables.regions_of_ds9,
    "21 zip, BZERO": images.unclear_files,
    "22 WCS of the heat map": images.wcs_of_heatmaps,
    "23 settings that cannot act": searches.settings_that_cannot_act,
    "24 blocks with a mixture": searches.blocks_with_a_mixture,
}


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="words that a kind must contain", default="")
    arguments = parser.parse_args(argv)
    start, failed, tried = time.perf_counter(), 0, 0
    try:
        for kind, case in CASES.items():
            if arguments.only in kind:
                tried += 1
                failed += not _print_case(kind, case)
    finally:
        shutil.rmtree(FOLDER)
    print(f"{tried - failed} of {tried} ok in {time.perf_counter() - start:.0f} s")
    return int(failed > 0)


def _print_case(kind, case):
    """Try one kind, print its line, and return whether it is as expected."""
    try:
        expected, got = case()
    except Exception as error:  # a case must not hide the others
        expected, got = "an outcome", {"the case itself": named(error)}
    other = {name: value for name, value in got.items() if value != expected}
    told = "; ".join(f"{name}: {value}" for name, value in other.items())
    verdict = "FAILS" if other else "ok"
    count = f"{len(got) - len(other)}/{len(got)}"
    print(f"{verdict:5} {kind:36} {expected} {count} {told}".rstrip(), flush=True)
    return not other


if __name__ == "__main__":
    sys.exit(main())
