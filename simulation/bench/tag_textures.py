"""AprilTags of family 36h11 as textured plates."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

import cv2
import mujoco
import numpy as np

# Eight of the ten cells across the plate are the tag's black square; the white margin lets the detector find its edge.
CELLS, BLACK_CELLS = 10, 8
PIXELS_PER_CELL = 16


def tag_bitmap(number: int) -> np.ndarray:
    """Render tag `number` of 36h11 with its white margin, (160, 160) uint8; raises ValueError outside 0..586."""
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
    if not 0 <= number < len(dictionary.bytesList):
        raise ValueError(f"family 36h11 has the tags 0..{len(dictionary.bytesList) - 1}, not {number}")
    black = cv2.aruco.generateImageMarker(dictionary, number, BLACK_CELLS * PIXELS_PER_CELL)
    margin = (CELLS - BLACK_CELLS) // 2 * PIXELS_PER_CELL
    # The AprilTag library defines OpenCV's bitmaps upside down: rotated, the tags have its corner order.
    return np.pad(cv2.rotate(black, cv2.ROTATE_180), margin, constant_values=255)


def add_tag(spec: mujoco.MjSpec, body, number: int, size: float, *, name: str, pos, quat) -> None:
    """Attach a tag whose black square has edge `size` m to a body: it faces +z, its top towards +y.

    Tags are visual only and have no collision geometry.
    """
    _add_material(spec, number)
    # The site keeps the pose: MuJoCo turns a mesh's own frame into its axes of inertia.
    body.add_site(name=name, pos=pos, quat=quat, group=5)
    half = size / 2 * CELLS / BLACK_CELLS
    _add_square(spec, half)
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=_square_name(half),
        material=f"tag{number}",
        pos=pos,
        quat=quat,
        contype=0,
        conaffinity=0,
        group=2,
        mass=0,
    )


def _add_material(spec: mujoco.MjSpec, number: int) -> None:
    if spec.material(f"tag{number}") is not None:
        return
    bitmap = tag_bitmap(number)
    rgb = np.repeat(bitmap[..., None], 3, axis=2)
    texture = spec.add_texture(
        name=f"tag{number}",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=rgb.shape[1],
        height=rgb.shape[0],
        nchannel=3,
    )
    texture.data = rgb.tobytes()
    # Half self-luminous, and below white: seen alike in light and shadow, and never saturated, which would move edges.
    material = spec.add_material(
        name=f"tag{number}", specular=0.05, shininess=0.05, emission=0.8, rgba=[0.52, 0.52, 0.52, 1]
    )
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = f"tag{number}"


def _square_name(half: float) -> str:
    return f"square_{round(half * 2e6)}_um"


def _add_square(spec: mujoco.MjSpec, half: float) -> None:
    """Add a flat square with one texture over it; the triangles exist twice, so that both sides are visible."""
    if spec.mesh(_square_name(half)) is not None:
        return
    corners = np.array([[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]])
    coordinates = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], float)
    spec.add_mesh(
        name=_square_name(half),
        uservert=corners.ravel(),
        usertexcoord=coordinates.ravel(),
        userface=[0, 1, 2, 0, 2, 3],
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
    )
