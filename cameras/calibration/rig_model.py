"""Projection model of a rig: residuals and Jacobian with respect to all unknowns.

A board point y goes  tool: exp(w_m) R_m s y + t_m + v_m;  corrected: exp(w_p) . + v_p;  base: B_p .;
camera: exp(w_c) R_c . + t_c + v_c;  image: OpenCV's lens model. The unknowns are the increments v, w of cameras,
mountings and poses, and optionally the board's scale s and the lenses.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial.transform import Rotation

from cameras.calibration.rig_data import Rig, RigData
from cameras.intrinsics import Intrinsics
from foundation.poses import pose

LENS_SIGMAS = (0.01, 3.0, 0.02)
"""How far a lens may be from what is known of it: of the focal length, px of the middle, of k1, k2 (a factory's
calibration changes by about that with temperature and transport). Other coefficients stay as they are."""

_LENS = 6  # fx, fy, cx, cy, k1, k2
_SCALE_SIGMA = 1.0


@dataclass(frozen=True)
class Freedom:
    """Optional unknowns besides cameras and mountings."""

    scale: bool = False
    lenses: bool = False
    corrections: bool = True


class RigModel:
    """Whitened residuals around an initial `rig`, as functions of the increments x (n,)."""

    def __init__(self, data: RigData, rig: Rig, freedom: Freedom = Freedom()):
        self.data, self.rig, self.freedom = data, rig, freedom
        views = data.views
        counts = [len(view.pixels) for view in views]
        self._camera = np.repeat([view.camera for view in views], counts).astype(int)
        self._pose = np.repeat([view.pose for view in views], counts).astype(int)
        self._points = np.concatenate([view.points for view in views])
        self._pixels = np.concatenate([view.pixels for view in views])
        self._mount = data.mount[self._pose]
        # Only poses with a view have a correction.
        self._seen = data.seen_poses
        self._column = np.full(len(data.base_from_tool), -1)
        self._column[self._seen] = np.arange(len(self._seen))
        cameras, mounts = len(data.lenses), data.mounts
        corrections = len(self._seen) if freedom.corrections else 0
        self._starts = np.cumsum([0, 6 * cameras, 6 * mounts, 6 * corrections, int(freedom.scale)])
        self.size = int(self._starts[-1]) + (_LENS * cameras if freedom.lenses else 0)

    @property
    def observations(self) -> int:
        """Number of pixel residuals, which come first; those of the priors follow."""
        return 2 * len(self._pixels)

    @property
    def scale_column(self) -> int:
        """Column of the board's scale."""
        return int(self._starts[3])

    @property
    def correction_columns(self) -> np.ndarray:
        """Columns (P, 6) of the correction of each pose with a view."""
        return np.arange(self._starts[2], self._starts[3]).reshape(-1, 6)

    @cached_property
    def prior_sigmas(self) -> np.ndarray:
        """Prior standard deviations (n,) of the unknowns, inf without a prior."""
        data, starts = self.data, self._starts
        sigmas = np.full(self.size, np.inf)
        arm = [data.position_sigma] * 3 + [data.rotation_sigma] * 3
        sigmas[starts[2] : starts[3]] = np.tile(arm, (starts[3] - starts[2]) // 6)
        sigmas[starts[3] : starts[4]] = _SCALE_SIGMA
        if self.freedom.lenses:
            focal, middle, radial = LENS_SIGMAS
            for camera, lens in enumerate(data.lenses):
                first = starts[4] + _LENS * camera
                fx, fy = lens.K[0, 0], lens.K[1, 1]
                sigmas[first : first + _LENS] = (focal * fx, focal * fy, middle, middle, radial, radial)
        return sigmas

    def residuals(self, x: np.ndarray) -> np.ndarray:
        """Return the residuals (2 N + known,) in standard deviations: pixels first, then the priors."""
        error = (self._chain(x)["seen"] - self._pixels) / self.data.pixel_sigma
        known = np.isfinite(self.prior_sigmas)
        return np.concatenate([error.ravel(), x[known] / self.prior_sigmas[known]])

    def jacobian(self, x: np.ndarray) -> csr_matrix:
        """Return the Jacobian (2 N + known, n), sparse: each pixel depends on one camera, mounting and pose."""
        blocks = self._blocks(x)
        n = len(self._pixels)
        rows, columns, values = [], [], []
        for first, block in blocks:
            width = block.shape[2]
            rows.append(np.broadcast_to(np.arange(2 * n).reshape(n, 2, 1), block.shape).ravel())
            columns.append(np.broadcast_to(first[:, None, None] + np.arange(width), block.shape).ravel())
            values.append((block / self.data.pixel_sigma).ravel())
        known = np.flatnonzero(np.isfinite(self.prior_sigmas))
        rows.append(2 * n + np.arange(len(known)))
        columns.append(known)
        values.append(1.0 / self.prior_sigmas[known])
        shape = (2 * n + len(known), self.size)
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return csr_matrix(entries, shape=shape)

    def rig_at(self, x: np.ndarray) -> Rig:
        """Return the rig at these increments."""
        parts = self._split(x)
        cameras = _moved(self.rig.camera_from_base, parts["camera"])
        mounts = _moved(self.rig.tool_from_board, parts["mount"])
        correction = np.zeros((len(self.data.base_from_tool), 6))
        if self.freedom.corrections:
            correction[self._seen] = parts["correction"]
        return Rig(cameras, mounts, correction, self._lenses(parts), self.rig.scale * (1.0 + parts["scale"]))

    def pixel_errors(self, x: np.ndarray) -> np.ndarray:
        """Return the errors (N, 2) px, projected minus measured."""
        return self._chain(x)["seen"] - self._pixels

    # --- parts ---

    def _split(self, x: np.ndarray) -> dict:
        starts = self._starts
        lenses = x[starts[4] :].reshape(-1, _LENS) if self.freedom.lenses else np.zeros((len(self.data.lenses), _LENS))
        corrections = x[starts[2] : starts[3]].reshape(-1, 6)
        if not self.freedom.corrections:
            corrections = np.zeros((len(self._seen), 6))
        return {
            "camera": x[: starts[1]].reshape(-1, 6),
            "mount": x[starts[1] : starts[2]].reshape(-1, 6),
            "correction": corrections,
            "scale": float(x[starts[3]]) if self.freedom.scale else 0.0,
            "lens": lenses,
        }

    def _lenses(self, parts: dict) -> tuple[Intrinsics, ...]:
        return tuple(
            _changed(lens, change) if self.freedom.lenses else lens
            for lens, change in zip(self.data.lenses, parts["lens"], strict=True)
        )

    def _chain(self, x: np.ndarray, *, derivatives: bool = False) -> dict:
        """Transform every point from the board to the image."""
        parts = self._split(x)
        rig, data = self.rig, self.data
        out: dict = {"parts": parts, "board": self._points * (rig.scale * (1.0 + parts["scale"]))}
        turns = {
            name: Rotation.from_rotvec(parts[name][:, 3:]).as_matrix() for name in ("camera", "mount", "correction")
        }
        R_m = (turns["mount"] @ rig.tool_from_board[:, :3, :3])[self._mount]
        out["turned_mount"] = np.einsum("nij,nj->ni", R_m, out["board"])
        tool = out["turned_mount"] + (rig.tool_from_board[:, :3, 3] + parts["mount"][:, :3])[self._mount]
        column = self._column[self._pose]
        R_p = turns["correction"][column]
        out["turned_pose"] = np.einsum("nij,nj->ni", R_p, tool)
        corrected = out["turned_pose"] + parts["correction"][column, :3]
        B = data.base_from_tool[self._pose]
        base = np.einsum("nij,nj->ni", B[:, :3, :3], corrected) + B[:, :3, 3]
        R_c = (turns["camera"] @ rig.camera_from_base[:, :3, :3])[self._camera]
        out["turned_camera"] = np.einsum("nij,nj->ni", R_c, base)
        out["in_camera"] = (
            out["turned_camera"] + (rig.camera_from_base[:, :3, 3] + parts["camera"][:, :3])[self._camera]
        )
        out["seen"], out["by_point"], out["by_lens"] = self._pictured(
            out["in_camera"], self._lenses(parts), derivatives
        )
        out["R"] = (R_c, B[:, :3, :3], R_p, R_m)
        return out

    def _pictured(self, points: np.ndarray, lenses: tuple[Intrinsics, ...], derivatives: bool) -> tuple:
        """Project points in camera frames to pixels (N, 2); derivatives by point (N, 2, 3) and lens (N, 2, 6)."""
        seen = np.empty((len(points), 2))
        by_point, by_lens = np.empty((len(points), 2, 3)), np.empty((len(points), 2, _LENS))
        nothing = np.zeros(3)
        for camera, lens in enumerate(lenses):
            mine = self._camera == camera
            if not mine.any():
                continue
            # The lens model is invalid behind the camera; a point there is clamped just in front of it.
            there = points[mine].copy()
            there[:, 2] = np.maximum(there[:, 2], 1e-3)
            pixels, J = cv2.projectPoints(there, nothing, nothing, lens.K, lens.distortion)
            seen[mine] = pixels[:, 0]
            if derivatives:
                J = J.reshape(-1, 2, J.shape[1])
                by_point[mine], by_lens[mine] = J[:, :, 3:6], J[:, :, 6 : 6 + _LENS]
        return seen, by_point, by_lens

    def _blocks(self, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the first column (N,) and the derivative (N, 2, w) of each group of unknowns."""
        chain = self._chain(x, derivatives=True)
        parts, starts = chain["parts"], self._starts
        R_c, R_b, R_p, R_m = chain["R"]
        column = self._column[self._pose]
        by_camera = chain["by_point"]
        by_corrected = by_camera @ R_c @ R_b
        by_tool = by_corrected @ R_p
        blocks = [
            (6 * self._camera, _by_motion(by_camera, chain["turned_camera"], parts["camera"][self._camera])),
            (starts[1] + 6 * self._mount, _by_motion(by_tool, chain["turned_mount"], parts["mount"][self._mount])),
        ]
        if self.freedom.corrections:
            block = _by_motion(by_corrected, chain["turned_pose"], parts["correction"][column])
            blocks.append((starts[2] + 6 * column, block))
        if self.freedom.scale:
            stretched = np.einsum("nij,nj->ni", R_m, self._points * self.rig.scale)
            block = np.einsum("nij,nj->ni", by_tool, stretched)[:, :, None]
            blocks.append((np.full(len(column), starts[3]), block))
        if self.freedom.lenses:
            blocks.append((starts[4] + _LENS * self._camera, chain["by_lens"]))
        return blocks


def _by_motion(by_point: np.ndarray, turned: np.ndarray, increments: np.ndarray) -> np.ndarray:
    """Return the derivative (N, 2, 6) by translation and rotation of a frame with rotated points `turned` (N, 3)."""
    by_turn = -by_point @ _cross(turned) @ _left_jacobian(increments[:, 3:])
    return np.concatenate([by_point, by_turn], axis=2)


def _cross(v: np.ndarray) -> np.ndarray:
    """Return the skew-symmetric matrices (N, 3, 3) with _cross(v) @ a = v x a."""
    result = np.zeros((len(v), 3, 3))
    result[:, 0, 1], result[:, 0, 2], result[:, 1, 2] = -v[:, 2], v[:, 1], -v[:, 0]
    return result - np.swapaxes(result, 1, 2)


def _left_jacobian(w: np.ndarray) -> np.ndarray:
    """Return J (N, 3, 3) with exp(w + dw) = exp(J dw) exp(w) to first order.

    Chirikjian, Stochastic Models 2, eq. 10.86.
    """
    angle = np.linalg.norm(w, axis=1)[:, None, None]
    small = angle < 1e-6
    safe = np.where(small, 1.0, angle)
    first = np.where(small, 0.5, (1 - np.cos(safe)) / safe**2)
    second = np.where(small, 1 / 6, (safe - np.sin(safe)) / safe**3)
    W = _cross(w)
    return np.eye(3) + first * W + second * W @ W


def _moved(frames: np.ndarray, increments: np.ndarray) -> np.ndarray:
    turns = Rotation.from_rotvec(increments[:, 3:]).as_matrix()
    return pose(turns @ frames[:, :3, :3], frames[:, :3, 3] + increments[:, :3])


def _changed(lens: Intrinsics, change: np.ndarray) -> Intrinsics:
    K, distortion = lens.K.copy(), lens.distortion.copy()
    K[0, 0], K[1, 1] = K[0, 0] + change[0], K[1, 1] + change[1]
    K[:2, 2] += change[2:4]
    distortion[:2] += change[4:6]
    return Intrinsics(lens.width, lens.height, K, distortion)
