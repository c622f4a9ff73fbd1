# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest

from astro_vaeclust.survey.images import describe_image, list_images, what_is_wrong

from .examples import sky, write


@pytest.fixture
def three(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.fits").write_bytes(b"x")
    return tmp_path


def test_patterns_files_and_lists_give_sorted_paths(three):
    expected = [str(three / f"{name}.fits") for name in "abc"]
    assert list_images(str(three / "*.fits")) == expected
    assert list_images([three / "c.fits", str(three / "[ab].fits")]) == expected
    text = f"# tiles\n{three}/b.fits  # the middle\n\n{three}/[ac].fits\n"
    (three / "tiles.txt").write_text(text)
    assert list_images(three / "tiles.txt") == expected
    (three / "two.txt").write_text(f"{three}/[bc].fits")
    assert list_images([three / "a.fits", three / "two.txt"]) == expected


def test_what_is_wrong_names_an_image_once():
    for path, text, expected in (
        ("/x/a.fits", "data: '/x/a.fits' is cut", "/x/a.fits is cut"),
        ("/x/a.fits", "data: 'a.fits' is cut", "/x/a.fits is cut"),
        ("/x/a.fits", "[Errno 2] no such file: '/x/a.fits'", None),
        ("http://x/a.fits", "http://x/a.fits: the server says 404", None),
        ("/x/a.fits", "wcs: data\nbrings none", "/x/a.fits: wcs: data brings none"),
    ):
        assert what_is_wrong(path, OSError(text)) == (expected or text)


def test_all_bad_lines_are_named_at_once(three):
    lines = ["a.fits", "a.fits", "gone.fits", ".", "none*.fits"]
    (three / "tiles.txt").write_text("\n".join(f"{three}/{line}" for line in lines))
    with pytest.raises(ValueError, match="images: ") as error:
        list_images(three / "tiles.txt")
    text = str(error.value)
    for part in ("a.fits (twice)", "gone.fits (no such", "(a folder)", "none*.fits"):
        assert part in text
    assert "\n" not in text


def test_many_bad_lines_are_counted(three):
    with pytest.raises(ValueError, match="and 20 more"):
        list_images([f"{n}.fits" for n in range(30)])


def test_none_at_all(three):
    (three / "tiles.txt").write_text("# nothing\n")
    with pytest.raises(ValueError, match="there are none"):
        list_images(three / "tiles.txt")


def test_what_a_header_says(tmp_path):
    path = write(tmp_path / "a.fits", *sky())
    image = describe_image(path, "1 2", None)
    assert (image.band, image.zero_point, image.stamp) == ("Ks", 20.0, "1 2")
    assert image.scale == pytest.approx(1)
    assert np.reshape(image.outline, (4, 2)).mean(axis=0) == pytest.approx(
        [275.12, -16.18], abs=0.01
    )
