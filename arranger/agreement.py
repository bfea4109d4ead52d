"""Pitch hints taken at their word: what a model believes, tilted until each part lies as high as
it was said to.

Of all beliefs about the notes under which every hinted part has its mean pitch, the one nearest to
the model's in relative entropy multiplies how likely a part is by ``exp(slope * (pitch - mean))``,
with a slope for each part (posterior regularization, Ganchev et al. 2010). Knows numbers only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SLACK = 0.05
"""What a tilt costs for each note, in nats for a tilt of one nat an octave (half its square): a
hint may be a little wrong, and a part may have few notes."""

DOUBT = 1e-9
"""No part is less likely than this: a model is never as sure as it says."""


def tilt(likely: Floats, pitch: NDArray[np.integer], mean_pitch: Mapping[int, float]) -> Floats:
    """What to add to log probabilities, (N, parts), so that parts agree with ``mean_pitch``.

    ``likely`` (N, parts) is how likely each part is for each of the N notes, one or more;
    ``pitch`` (N,) and ``mean_pitch``, part to mean pitch, are MIDI numbers.
    """
    from scipy.optimize import minimize

    believed = np.log(np.maximum(likely, DOUBT))
    above = np.zeros(likely.shape)
    for part, mean in mean_pitch.items():
        above[:, part] = (pitch - mean) / 12.0

    def dual(slope: Floats) -> tuple[float, Floats]:
        """A convex function, least where the tilted belief agrees; and its gradient."""
        tilted = believed + above * slope
        total = np.logaddexp.reduce(tilted, axis=1, keepdims=True)
        gap = (np.exp(tilted - total) * above).mean(axis=0)
        return float(total.mean() + SLACK / 2 * slope @ slope), gap + SLACK * slope

    slope = minimize(dual, np.zeros(likely.shape[1]), jac=True, method="BFGS").x
    agreed: Floats = above * slope
    return agreed
