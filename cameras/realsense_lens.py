"""A RealSense's factory calibration in OpenCV's terms.

librealsense has lens models of its own, and what its "inverse Brown-Conrady" of the colour sensors means has changed
between its versions. So the library itself is asked where it sees points, and OpenCV's coefficients are fitted to
that; they agree to a small part of a pixel.
"""

# pyright: reportAttributeAccessIssue=false
# (the extension module has no stubs)

import numpy as np
import pyrealsense2 as rs

from cameras.intrinsics import Intrinsics

_LARGEST_DISAGREEMENT_PX = 0.3


def factory_intrinsics(lens: rs.intrinsics) -> Intrinsics | None:
    """The lens with OpenCV's coefficients k1 k2 p1 p2 k3; None for a lens these cannot describe (fisheyes)."""
    K = np.array([[lens.fx, 0, lens.ppx], [0, lens.fy, lens.ppy], [0, 0, 1.0]])
    if not (lens.fx > 0 and lens.fy > 0):
        return None
    coefficients = np.array(lens.coeffs, float)
    if lens.model == rs.distortion.none or not coefficients.any():
        return Intrinsics(lens.width, lens.height, K, np.zeros(5))
    if lens.model == rs.distortion.brown_conrady:
        return Intrinsics(lens.width, lens.height, K, coefficients)
    fitted, disagreement_px = _fit(lens)
    return Intrinsics(lens.width, lens.height, K, fitted) if disagreement_px < _LARGEST_DISAGREEMENT_PX else None


def _fit(lens: rs.intrinsics) -> tuple[np.ndarray, float]:
    """OpenCV's five coefficients and the largest disagreement in pixels, by least squares over the whole image.

    For known ideal points x, y the distorted ones are linear in the coefficients (OpenCV manual, calib3d):
    x' = x (1 + k1 r^2 + k2 r^4 + k3 r^6) + 2 p1 x y + p2 (r^2 + 2 x^2), and y' alike.
    """
    focal, centre = np.array([lens.fx, lens.fy]), np.array([lens.ppx, lens.ppy])
    # A lens may see more than the same lens without distortion: take in a wider field, keep what is in the image.
    columns, rows = np.meshgrid(np.linspace(0, lens.width - 1, 41), np.linspace(0, lens.height - 1, 31))
    ideal = 1.2 * (np.stack([columns.ravel(), rows.ravel()], axis=-1) - centre) / focal
    pixels = np.array([rs.rs2_project_point_to_pixel(lens, [float(x), float(y), 1.0]) for x, y in ideal])
    inside = ((pixels >= -0.5) & (pixels <= (lens.width - 0.5, lens.height - 0.5))).all(axis=-1)
    ideal, pixels = ideal[inside], pixels[inside]
    shift = (pixels - centre) / focal - ideal
    x, y = ideal.T
    r2 = x**2 + y**2
    equations = np.stack(
        [
            np.stack([x * r2, x * r2**2, 2 * x * y, r2 + 2 * x**2, x * r2**3], axis=-1),
            np.stack([y * r2, y * r2**2, r2 + 2 * y**2, 2 * x * y, y * r2**3], axis=-1),
        ],
        axis=1,
    )
    weighted = (equations * focal[:, None]).reshape(-1, 5)
    coefficients = np.linalg.lstsq(weighted, (shift * focal).reshape(-1), rcond=None)[0]
    left_over_px = (equations @ coefficients - shift) * focal
    return coefficients, float(np.linalg.norm(left_over_px, axis=-1).max())
