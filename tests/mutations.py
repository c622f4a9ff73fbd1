# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Broken FITS files and how they are made.

A mutation takes random numbers and a `File`, and changes it in place. Where it destroys
pixels it marks them, so that a search can be compared with that of a file in which they
are NaN.
"""

import gzip
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import astropy.units as u
import numpy as np
from astropy.io import fits

from astro_vaeclust.simulation import MockCluster, simulate_tile

BLOCK, CARD = 2880, 80
BITPIX = {"f4": -32, "f8": -64, "i2": 16, "i4": 32}
WCS_CARDS = ("CTYPE", "CRVAL", "CRPIX", "CDELT", "CUNIT")
SENTINELS = (-1e30, 1.6e38, float(np.finfo("f4").max), 1e20, np.inf, -np.inf, np.nan)


@dataclass
class File:
    """A FITS file with one image; ``lost`` marks pixels that a mutation destroys."""

    cards: dict[str, bytes]
    pixels: np.ndarray
    lost: np.ndarray
    comparable: bool = True
    """Whether the file still says what the clean one does, or is recognisably bad."""
    planes: int = 1
    """How many times the pixels are written, along a third axis."""
    finish: list[Callable] = field(default_factory=list)

    def to_bytes(self):
        """Return the file (bytes)."""
        data = self.pixels.astype(self.pixels.dtype.newbyteorder(">")).tobytes()
        data *= self.planes
        content = _padded(b"".join([*self.cards.values(), _end()]), b" ")
        content += _padded(data, b"\0")
        for change in self.finish:
            content = change(content)
        return content

    def set_card(self, keyword, value):
        """Replace the card of a keyword, or add one."""
        self.cards[keyword] = str(fits.Card(keyword, value)).encode()


@cache
def clean_file():
    """Return cards and pixels of a file in which one cluster is found."""
    cluster = MockCluster(n_members=60, half_number_radius=10 * u.arcsec)
    tile = simulate_tile(shape=(128, 128), clusters=cluster, density=3.8, seed=2)
    pixels = tile.image.data.astype("f4")
    header = fits.PrimaryHDU(pixels).header
    header.update(tile.image.wcs.to_header())
    header["BUNIT"], header["ORIGIN"], header["FILTER"] = "DN", "a survey", "Ks"
    header["MAGZP"], header["EXPTIME"] = 20.0, 7.8
    return {card.keyword: str(card).encode() for card in header.cards}, pixels


def mutated(names, seed):
    """Return the clean `File` after mutations, keys of `MUTATIONS`."""
    cards, pixels = clean_file()
    file = File(dict(cards), pixels.copy(), np.zeros(pixels.shape, dtype=bool))
    rng = np.random.default_rng(seed)
    for name in names:
        MUTATIONS[name](rng, file)
    return file


def _padded(content, filling):
    return content + filling * (-len(content) % BLOCK)


def _end():
    return b"END".ljust(CARD)


def _put(file, key, text):
    """Put a card of any text in place of one."""
    file.cards[key] = text.encode("latin-1")[:CARD].ljust(CARD)


def _any_card(rng, file):
    return str(rng.choice(list(file.cards)))


def _value(file, key):
    """Return the text of the value of a card."""
    text = file.cards[key].decode("latin-1")[10:]
    return text.partition(" /")[0].strip()


# --- cards ----


def drop_card(rng, file):
    del file.cards[_any_card(rng, file)]


def drop_wcs_card(rng, file):
    file.cards.pop(f"{rng.choice(WCS_CARDS)}{rng.integers(1, 3)}", None)


def garble_card(rng, file):
    """Overwrite four characters of a value by signs that are in no number or word."""
    key = _any_card(rng, file)
    text = bytearray(file.cards[key])
    at = int(rng.integers(10, 30))
    text[at : at + 4] = rng.choice(list(b"#?~%\x01\xe9\x00"), 4).astype("u1").tobytes()
    file.cards[key] = bytes(text)


def decimal_comma(rng, file):
    key = _any_card(rng, file)
    file.cards[key] = file.cards[key].replace(b".", b",", 1)


def number_as_text(rng, file):
    key = _any_card(rng, file)
    _put(file, key, f"{key:8}= '{_value(file, key).strip(chr(39))}'")


def text_without_quotes(rng, file):
    key = _any_card(rng, file)
    file.cards[key] = file.cards[key].replace(b"'", b" ")


def retype_card(rng, file):
    """Give a card a value of another type, or none."""
    key = _any_card(rng, file)
    value = str(rng.choice(["T", "''", "", "NaN", "(1, 2)", "'seven'", "1E400"]))
    _put(file, key, f"{key:8}= {value:>20}")


def duplicate_card(rng, file):
    """Add a second card of a keyword that says something else."""
    key = _any_card(rng, file)
    text = file.cards[key].decode("latin-1")
    other = re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), text[10:])
    file.cards[f"{key} again"] = (text[:10] + other).encode("latin-1")


def shuffle_cards(rng, file):
    keys = list(file.cards)
    fixed, free = keys[:5], keys[5:]
    rng.shuffle(free)
    file.cards = {key: file.cards[key] for key in (*fixed, *free)}


def odd_comment(rng, file):
    _put(file, "COMMENT", "COMMENT \x00\xff ' unfinished")
    _put(file, "NOEQUAL", "HIERARCH ESO DET = = 'x")


# --- pixels ----


def _patch(rng, file, largest=0.4):
    """Return the slices of a rectangle."""
    sides = [int(rng.uniform(0.05, largest) * length) for length in file.pixels.shape]
    corner = [
        int(rng.integers(0, length - side))
        for length, side in zip(file.pixels.shape, sides, strict=True)
    ]
    return tuple(slice(c, c + s) for c, s in zip(corner, sides, strict=True))


def sentinel_patch(rng, file):
    """Fill a rectangle by what stands for "no data", NaN included."""
    patch = _patch(rng, file)
    if file.pixels.dtype.kind == "f":
        with np.errstate(over="ignore"):
            file.pixels[patch] = rng.choice(SENTINELS)
        file.lost[patch] = True


def sentinel_pixels(rng, file):
    """Scatter single pixels without data."""
    if file.pixels.dtype.kind == "f":
        lost = rng.random(file.pixels.shape) < 10 ** rng.uniform(-4, -1)
        file.pixels[lost] = rng.choice(SENTINELS)
        file.lost |= lost


def constant_half(rng, file):
    """Fill one side by zero, or by another constant."""
    part = slice(0, int(rng.uniform(0.2, 0.5) * len(file.pixels)))
    side = (part, slice(None)) if rng.random() < 0.5 else (slice(None), part)
    file.pixels[side] = rng.choice([0, 0, 7, 626])
    file.lost[side] = True


def constant_image(rng, file):
    file.pixels[:] = rng.choice([0, 1, 700])
    file.lost[:] = True
    file.comparable = False


def other_unit(rng, file):
    """Multiply all pixels by a power of ten."""
    if file.pixels.dtype.kind == "f":
        with np.errstate(all="ignore"):
            file.pixels *= 10.0 ** rng.integers(-28, 29)


def other_number_type(rng, file):
    """Write the pixels as integers with BSCALE and BZERO, or as doubles."""
    kind = str(rng.choice(["f8", "i2", "i4"]))
    values = file.pixels
    file.set_card("BITPIX", BITPIX[kind])
    if kind == "f8" or not np.isfinite(values).all() or values.dtype.kind != "f":
        with np.errstate(invalid="ignore"):
            file.pixels = values.astype("f8")
        file.set_card("BITPIX", -64)
        return
    low, high = float(values.min()), float(values.max())
    scale = (high - low) / 60_000 or 1.0
    file.set_card("BSCALE", scale)
    file.set_card("BZERO", (low + high) / 2)
    file.pixels = np.rint((values - (low + high) / 2) / scale).astype(kind)


def swap_bytes(rng, file):
    """Write the pixels in the wrong order of bytes."""
    file.pixels = file.pixels.byteswap()
    file.comparable = False


def random_pixels(rng, file):
    """Replace the pixels by random bits."""
    size = file.pixels.nbytes
    bits = rng.bytes(size)
    file.pixels = np.frombuffer(bits, file.pixels.dtype).reshape(file.pixels.shape)
    file.pixels = file.pixels.copy()
    file.comparable = False


def tiny_image(rng, file):
    """Keep a corner of a few pixels, or a strip."""
    ny, nx = (int(n) for n in rng.choice([1, 2, 5, 12, 40, 128], 2))
    file.pixels, file.lost = file.pixels[:ny, :nx].copy(), file.lost[:ny, :nx]
    file.set_card("NAXIS1", nx)
    file.set_card("NAXIS2", ny)
    file.comparable = False


# --- structure ----


def truncate(rng, file):
    fraction = rng.random()
    file.finish.append(lambda content: content[: int(fraction * len(content))])


def lose_padding(rng, file):
    file.finish.append(lambda content: content.rstrip(b"\0"))


def append_junk(rng, file):
    junk = rng.bytes(int(rng.integers(1, 6000)))
    file.finish.append(lambda content: content + junk)


def overwrite_block(rng, file):
    """Overwrite one of the blocks by zeros or noise."""
    where, junk = rng.random(), rng.choice([b"\0" * BLOCK, rng.bytes(BLOCK)])
    junk = junk.ljust(BLOCK, b"\0")

    def change(content):
        start = BLOCK * int(where * len(content) / BLOCK)
        return content[:start] + junk + content[start + BLOCK :]

    file.finish.append(change)
    file.comparable = False


def compress_file(rng, file):
    file.finish.append(gzip.compress)


def into_extension(rng, file):
    """Put the image behind an empty primary HDU."""
    primary = io.BytesIO()
    fits.PrimaryHDU().writeto(primary)
    simple = file.cards.pop("SIMPLE", None)
    if simple is not None:
        extension = {"XTENSION": b"XTENSION= 'IMAGE   '".ljust(CARD)}
        file.cards = extension | file.cards
        file.set_card("PCOUNT", 0)
        file.set_card("GCOUNT", 1)
    file.finish.append(lambda content: primary.getvalue() + content)


def append_image(rng, file):
    """Append another image, a mask as CCDData writes it, or a table."""
    kind = rng.integers(3)
    shape = file.pixels.shape
    if kind == 0:
        hdu = fits.ImageHDU(np.zeros(shape, "f4"), name="SCI")
    elif kind == 1:
        hdu = fits.ImageHDU(np.zeros(shape, "u1"), name="MASK")
    else:
        hdu = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=[1.0])])
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
    file.finish.append(lambda content: content + buffer.getvalue()[BLOCK:])


def more_axes(rng, file):
    """Declare a third axis of length 1, or of length 3 with three planes."""
    file.planes = int(rng.choice([1, 1, 3]))
    axes = {}
    for key, card in file.cards.items():
        axes[key] = card
        if key == "NAXIS2":
            axes["NAXIS3"] = str(fits.Card("NAXIS3", file.planes)).encode()
    file.cards = axes
    file.set_card("NAXIS", 3)


CARD_MUTATIONS = (
    drop_card,
    drop_wcs_card,
    garble_card,
    decimal_comma,
    number_as_text,
    text_without_quotes,
    retype_card,
    duplicate_card,
    shuffle_cards,
    odd_comment,
)
PIXEL_MUTATIONS = (
    sentinel_patch,
    sentinel_pixels,
    constant_half,
    constant_image,
    other_unit,
    other_number_type,
    swap_bytes,
    random_pixels,
    tiny_image,
)
STRUCTURE_MUTATIONS = (
    truncate,
    lose_padding,
    append_junk,
    overwrite_block,
    compress_file,
    into_extension,
    append_image,
    more_axes,
)
MUTATIONS = {
    mutation.__name__: mutation
    for mutation in (*CARD_MUTATIONS, *PIXEL_MUTATIONS, *STRUCTURE_MUTATIONS)
}
