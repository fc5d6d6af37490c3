"""Primitive solids as coloured triangle meshes with normals: sphere, cylinder, capsule, box."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from foundation.poses import transform

SEGMENTS = 24  # around an axis: round enough for an image of 600 px


@dataclass(frozen=True, eq=False)
class Mesh:
    """`vertices`, `normals` (n, 3), `faces` (m, 3) indices, `colours` (n, 4) in [0, 1]; lengths in m."""

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    colours: np.ndarray

    def moved(self, a_from_b: np.ndarray) -> "Mesh":
        """Return the mesh transformed from frame b to frame a by `a_from_b` (4, 4)."""
        return replace(self, vertices=transform(a_from_b, self.vertices), normals=self.normals @ a_from_b[:3, :3].T)

    def coloured(self, rgba: Sequence[float]) -> "Mesh":
        """Return the mesh in a single colour: red, green, blue and opacity in [0, 1]."""
        return replace(self, colours=np.tile(np.asarray(rgba, float), (len(self.vertices), 1)))


def joined(solids: Sequence[Mesh]) -> Mesh:
    """Concatenate meshes to one."""
    offsets = np.cumsum([0, *(len(s.vertices) for s in solids[:-1])])
    return Mesh(
        np.concatenate([s.vertices for s in solids]),
        np.concatenate([s.normals for s in solids]),
        np.concatenate([s.faces + offset for s, offset in zip(solids, offsets, strict=True)]),
        np.concatenate([s.colours for s in solids]),
    )


def sphere(radius: float) -> Mesh:
    """Return a sphere around the origin."""
    return capsule(radius, 0.0)


def capsule(radius: float, half_length: float) -> Mesh:
    """Return a cylinder along z from -half_length to half_length with hemispherical ends."""
    rings = SEGMENTS // 4 + 1
    upper = np.linspace(np.pi / 2, 0.0, rings)
    latitudes = np.concatenate([upper, -upper[::-1]])
    shifts = np.repeat([half_length, -half_length], rings)
    normals = _circle()[None] * np.cos(latitudes)[:, None, None]
    normals[..., 2] = np.sin(latitudes)[:, None]
    vertices = radius * normals
    vertices[..., 2] += shifts[:, None]
    return _solid(vertices.reshape(-1, 3), normals.reshape(-1, 3), _bands(len(latitudes)))


def cylinder(radius: float, half_length: float) -> Mesh:
    """Return a cylinder along z from -half_length to half_length with flat ends."""
    circle = _circle()
    ends = np.repeat([[0, 0, half_length], [0, 0, -half_length]], SEGMENTS, axis=0)
    hull = tube(radius)
    hull = replace(hull, vertices=hull.vertices + ends)
    fan = np.stack([np.zeros(SEGMENTS, int), 1 + np.arange(SEGMENTS), 1 + (np.arange(SEGMENTS) + 1) % SEGMENTS], -1)
    lids = []
    for end in (1.0, -1.0):
        vertices = np.concatenate([np.zeros((1, 3)), radius * circle]) + np.array([0, 0, end * half_length])
        lids.append(_solid(vertices, np.tile((0.0, 0.0, end), (len(vertices), 1)), fan if end > 0 else fan[:, ::-1]))
    return joined([hull, *lids])


def tube(radius: float) -> Mesh:
    """Return two equal rings in the plane z = 0 with a wall between them; the caller moves them apart along z."""
    circle = _circle()
    return _solid(np.tile(radius * circle, (2, 1)), np.tile(circle, (2, 1)), _bands(2))


def box(half_sizes: np.ndarray) -> Mesh:
    """Return a box around the origin that extends `half_sizes` (3,) to each side."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    vertices, normals, faces = [], [], []
    for axis in range(3):
        for sign in (1.0, -1.0):
            face = np.insert(corners if sign > 0 else corners[::-1], axis, sign, axis=1)
            # Axes x and z keep the order of the other two; y reverses it.
            face = face if axis != 1 else face[::-1]
            faces.append(np.array([[0, 1, 2], [0, 2, 3]]) + 4 * len(vertices))
            vertices.append(face * half_sizes)
            normals.append(np.tile(sign * np.eye(3)[axis], (4, 1)))
    return _solid(np.concatenate(vertices), np.concatenate(normals), np.concatenate(faces))


def _circle() -> np.ndarray:
    """Return points (SEGMENTS, 3) of the unit circle in the plane z = 0."""
    angle = np.arange(SEGMENTS) * 2 * np.pi / SEGMENTS
    return np.stack([np.cos(angle), np.sin(angle), np.zeros(SEGMENTS)], axis=-1)


def _bands(rings: int) -> np.ndarray:
    """Return triangles between rings of SEGMENTS vertices each, topmost ring first, facing outwards."""
    ring, segment = np.meshgrid(np.arange(rings - 1), np.arange(SEGMENTS), indexing="ij")
    following = (segment + 1) % SEGMENTS
    above, below = ring * SEGMENTS, (ring + 1) * SEGMENTS
    first = np.stack([above + segment, below + segment, below + following], axis=-1)
    second = np.stack([above + segment, below + following, above + following], axis=-1)
    return np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)])


def _solid(vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray) -> Mesh:
    return Mesh(vertices, normals, faces, np.ones((len(vertices), 4)))
