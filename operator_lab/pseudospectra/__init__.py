"""Pseudospectra: what a spectrum does not say about non-normal operators (paper VI).

The resolvent on a grid (`resolvent`), growth and the Kreiss constant (`growth`), laws of random
matrices (`random_matrices`), the operators of a Transformer (`layers`). Arrays in, arrays out.
"""

from .growth import (
    Kreiss,
    Spectrum,
    conditions,
    exponentials,
    kreiss,
    powers,
    products,
    radius,
)
from .layers import jacobians, on_site, raw
from .random_matrices import (
    Edges,
    Outliers,
    cumulated,
    density,
    distance,
    edges,
    misfit,
    outliers,
    product_law,
)
from .resolvent import Pseudospectrum, pseudospectrum, sigma_min

__all__ = [
    "Edges", "Kreiss", "Outliers", "Pseudospectrum", "Spectrum", "conditions", "cumulated",
    "density", "distance", "edges", "exponentials", "kreiss", "misfit", "outliers", "powers",
    "product_law", "products", "pseudospectrum", "radius", "raw", "sigma_min", "on_site",
    "jacobians",
]  # fmt: skip
