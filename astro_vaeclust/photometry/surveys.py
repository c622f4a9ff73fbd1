# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The surveys that mock tiles imitate, as data."""

from __future__ import annotations

from dataclasses import dataclass

from ..utils.validation import check_choice, check_number

__all__ = ["SURVEYS", "Survey", "get_survey"]


@dataclass(frozen=True)
class Survey:
    """
    What a mock tile needs to know about an imaging survey.

    A data sheet in plain numbers; a pair ``(low, high)`` is the range that tiles are
    drawn from. A survey that is not in `SURVEYS` is one more instance of this class.

    Parameters
    ----------
    name : str
        Tag of the survey, ``"2mass-ks"``.
    band : str
        Name of the filter.
    pixel_scale : float
        Size of a pixel in arcsec.
    projection : str
        FITS code of the celestial projection, three letters.
    zero_point : tuple of float
        Magnitude of a source of 1 adu.
    limit : float
        Magnitude of a point source at ten times the noise. Cluster members are counted
        to this limit.
    fwhm : tuple of float
        Full width at half maximum of a star in arcsec.
    psf_kind : {"exponential", "moffat"}
        Shape of the core, see `PointSpread`.
    psf_shape : float
        Exponent of the core, see `PointSpread`.
    halo_fraction : float
        Fraction of a star's light in the halo.
    halo_radius : float
        Core radius of the halo in arcsec.
    sky_level : tuple of float
        Sky in adu.
    sky_gradient : tuple of float
        Change of the sky across a tile in adu.
    white_noise : tuple of float
        Standard deviation in adu of the white noise, before it is smoothed.
    noise_smoothing : tuple of float
        Standard deviation in pixels of the Gaussian that smooths the noise.
    saturation : float
        Level above the sky in adu that no star exceeds.
    core_collapse : float
        Level in adu at which the core of a star begins to sink below ``saturation``;
        infinite if it never does.
    color : float
        Magnitude of a typical field star in this band minus its magnitude in Ks.
    extinction_ratio : float
        Extinction in this band over that in Ks.
    bad_columns : tuple of int
        Number of columns without data at the left and at the right edge.
    artefacts : tuple of str
        Tags of the artefacts that the images of the survey contain.

    Raises
    ------
    TypeError, ValueError
        If the size of a pixel is not a positive number.
    """

    name: str
    band: str
    pixel_scale: float
    projection: str
    zero_point: tuple[float, float]
    limit: float
    fwhm: tuple[float, float]
    psf_kind: str
    psf_shape: float
    halo_fraction: float
    halo_radius: float
    sky_level: tuple[float, float]
    sky_gradient: tuple[float, float]
    white_noise: tuple[float, float]
    noise_smoothing: tuple[float, float]
    saturation: float
    core_collapse: float = float("inf")
    color: float = 0.0
    extinction_ratio: float = 1.0
    bad_columns: tuple[int, int] = (0, 0)
    artefacts: tuple[str, ...] = ("halos",)

    def __post_init__(self):
        check_number("pixel_scale", self.pixel_scale, low_counts=False)


def _two_mass(band, **changes):
    """
    Return a 2MASS survey.

    Noise, limits and zero points: Skrutskie et al. 2006, AJ 131, 1163, and the
    Explanatory Supplement to the 2MASS All Sky Data Release, section II.4a; the
    profile, the correlation of the noise and the levels of saturation were measured on
    Atlas images.
    """
    settings = {
        "name": f"2mass-{band.lower()}",
        "band": band,
        "pixel_scale": 1.0,
        "projection": "SIN",
        "fwhm": (2.5, 3.2),
        "psf_kind": "exponential",
        "psf_shape": 1.95,
        "halo_fraction": 0.07,
        "halo_radius": 3.5,
        "noise_smoothing": (0.95, 1.15),
        "saturation": 1.0e4,
        "core_collapse": 6.5e4,
        "bad_columns": (4, 4),
        "artefacts": ("spikes", "halos", "glints", "persistence", "stripes"),
    }
    return Survey(**(settings | changes))


def _ukidss(band, **changes):
    """
    Return a survey of the Galactic plane by UKIDSS.

    Limits: Lucas et al. 2008, MNRAS 391, 136, at ten times the noise; zero points:
    Hodgkin et al. 2009, MNRAS 394, 675; cross-talk: Dye et al. 2006, MNRAS 372, 1227.
    The noise in J and H is as far below the limit as that in K.
    """
    settings = {
        "name": f"ukidss-{band.lower()}",
        "band": band,
        "pixel_scale": 0.2,
        "projection": "TAN",
        "fwhm": (0.7, 1.0),
        "psf_kind": "moffat",
        "psf_shape": 3.5,
        "halo_fraction": 0.02,
        "halo_radius": 2.0,
        "noise_smoothing": (0.0, 0.45),
        "saturation": 3000.0,
        "artefacts": ("spikes", "halos", "crosstalk", "microsteps"),
    }
    return Survey(**(settings | changes))


def _vvv(band, **changes):
    """
    Return a survey of VVV.

    Minniti et al. 2010, New Astronomy 15, 433; Saito et al. 2012, A&A 537, A107. Limits
    in J and H: those of the stacks of Zhang & Kainulainen 2019, A&A 632, A85, at ten
    times the noise, less 0.4 mag of single images; the noise as in UKIDSS.
    """
    settings = {
        "name": f"vvv-{band.lower()}",
        "band": band,
        "pixel_scale": 0.34,
        "projection": "TAN",
        "fwhm": (0.75, 1.0),
        "psf_kind": "moffat",
        "psf_shape": 3.0,
        "halo_fraction": 0.03,
        "halo_radius": 3.0,
        "noise_smoothing": (0.45, 0.7),
        "saturation": 2.0e4,
        "artefacts": ("spikes", "halos"),
    }
    return Survey(**(settings | changes))


SURVEYS = {
    survey.name: survey
    for survey in (
        _two_mass(
            "J",
            zero_point=(20.87, 20.90),
            limit=15.8,
            sky_level=(90.0, 140.0),
            sky_gradient=(0.2, 1.0),
            white_noise=(1.5, 1.9),
            color=1.0,
            extinction_ratio=2.5,
        ),
        _two_mass(
            "H",
            zero_point=(20.49, 20.66),
            limit=15.1,
            sky_level=(280.0, 420.0),
            sky_gradient=(1.0, 6.0),
            white_noise=(2.7, 3.2),
            color=0.25,
            extinction_ratio=1.55,
        ),
        _two_mass(
            "Ks",
            zero_point=(19.93, 20.04),
            limit=14.3,
            sky_level=(500.0, 640.0),
            sky_gradient=(0.5, 6.0),
            white_noise=(3.6, 4.4),
        ),
        _ukidss(
            "J",
            zero_point=(22.9, 23.1),
            limit=19.0,
            sky_level=(28.0, 50.0),
            sky_gradient=(0.05, 0.5),
            white_noise=(0.36, 0.50),
            color=1.0,
            extinction_ratio=2.5,
        ),
        _ukidss(
            "H",
            zero_point=(23.2, 23.4),
            limit=18.25,
            sky_level=(150.0, 260.0),
            sky_gradient=(0.2, 2.0),
            white_noise=(0.96, 1.31),
            color=0.25,
            extinction_ratio=1.55,
        ),
        _ukidss(
            "K",
            zero_point=(22.4, 22.6),
            limit=17.3,
            sky_level=(220.0, 300.0),
            sky_gradient=(0.3, 2.0),
            white_noise=(1.1, 1.5),
        ),
        _vvv(
            "J",
            zero_point=(23.7, 23.9),
            limit=19.6,
            sky_level=(130.0, 220.0),
            sky_gradient=(0.3, 2.0),
            white_noise=(1.15, 1.7),
            color=1.0,
            extinction_ratio=2.5,
        ),
        _vvv(
            "H",
            zero_point=(23.8, 24.0),
            limit=18.3,
            sky_level=(600.0, 1000.0),
            sky_gradient=(1.0, 8.0),
            white_noise=(4.1, 6.2),
            color=0.25,
            extinction_ratio=1.55,
        ),
        _vvv(
            "Ks",
            zero_point=(23.0, 23.2),
            limit=17.2,
            sky_level=(900.0, 1200.0),
            sky_gradient=(2.0, 10.0),
            white_noise=(5.0, 7.5),
        ),
    )
}
"""The surveys by their tags (dict of str to `Survey`)."""


def get_survey(survey):
    """
    Return a survey from its tag.

    Parameters
    ----------
    survey : str or Survey
        A key of `SURVEYS`, or a survey, which is returned as it is.

    Returns
    -------
    survey : Survey
        The survey.

    Raises
    ------
    ValueError
        If no survey has this tag; the message lists those there are.
    TypeError
        If ``survey`` is neither a string nor a `Survey`.
    """
    if isinstance(survey, Survey):
        return survey
    if not isinstance(survey, str):
        raise TypeError(f"survey must be a string or a Survey, got {survey!r}")
    check_choice("survey", survey, SURVEYS)
    return SURVEYS[survey]
