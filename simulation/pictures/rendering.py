"""Rendering of the lab cameras' images of a world."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

import zlib
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import mujoco
import numpy as np

from foundation import mjcf
from foundation.camera import Camera
from simulation.bench.camera_spec import CameraSpec, camera_spec_at
from simulation.bench.scene import SceneSpec
from simulation.bench.world import World
from simulation.errors import SimulationError
from simulation.pictures.lens import Lens, lens_of
from simulation.pictures.noise import SensorNoise
from simulation.pictures.offscreen import GlContext, choose_backend, open_context

_MOST_GEOMS = 2000


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """`rgb` (H, W, 3) uint8 as the camera delivers it, distorted; `depth` (H, W) float32 m along the camera's z."""

    rgb: np.ndarray
    depth: np.ndarray | None


class Shown(Protocol):
    """The part of a world that a renderer needs."""

    @property
    def model(self) -> mujoco.MjModel: ...

    def snapshot(self) -> np.ndarray: ...


class SceneRenderer:
    """Off-screen renderer of one world's scene for any number of cameras.

    Keeps a state of its own: `update` it with `world.snapshot()`, from whatever thread or process the physics run in.
    All other methods are called from one thread, the first that draws. The model is shared and only read.
    """

    def __init__(self, world: Shown, seed: int = 0):
        self._model = world.model
        self._data = mujoco.MjData(self._model)
        self._scene = mujoco.MjvScene(self._model, _MOST_GEOMS)
        self._options = mujoco.MjvOption()
        self._options.geomgroup[mjcf.HULL_GROUP] = 0
        self._seed = seed
        self._gl: GlContext | None = None
        self._context: Any = None  # mujoco.MjrContext, from the first image to close()
        self._lenses: dict[CameraSpec, Lens | None] = {}
        self._noise: dict[CameraSpec, SensorNoise] = {}
        self._flat: list[int] | None = None
        self.update(world.snapshot())

    def update(self, snapshot: np.ndarray) -> None:
        """Show the state `snapshot` (nq,), taken by `World.snapshot` of the same scene."""
        self._data.qpos[:] = snapshot
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        mujoco.mj_tendon(self._model, self._data)
        camera = mujoco.MjvCamera()
        mujoco.mjv_updateScene(
            self._model, self._data, self._options, None, camera, mujoco.mjtCatBit.mjCAT_ALL, self._scene
        )
        for i in self._shadowless():
            self._scene.geoms[i].category = mujoco.mjtCatBit.mjCAT_DECOR
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self._scene.flags[mujoco.mjtRndFlag.mjRND_CULL_FACE] = 1

    def _shadowless(self) -> list[int]:
        """Return the indices in the drawn scene of the geoms below everything else.

        Their shadows are never seen, except as speckles that the coarse shadow map puts on the table itself. MuJoCo
        lets decoration cast none.
        """
        if self._flat is None:
            names = [self._model.geom(i).name for i in range(self._model.ngeom)]
            flat = {i for i, name in enumerate(names) if name in ("floor", "table") or name.startswith("tag ")}
            drawn = [self._scene.geoms[i] for i in range(self._scene.ngeom)]
            kind = int(mujoco.mjtObj.mjOBJ_GEOM)
            self._flat = [i for i, geom in enumerate(drawn) if geom.objtype == kind and geom.objid in flat]
        return self._flat

    def layout_changed(self) -> None:
        """Update the cached layout after geoms of the model were hidden or shown."""
        self._flat = None

    def upload_texture(self, number: int) -> None:
        """Upload the model's texture of this number as it is now."""
        self._ready(1, 1)
        mujoco.mjr_uploadTexture(self._model, self._context, number)

    def render(self, spec: CameraSpec, *, depth: bool = False) -> Picture:
        """Render the camera's image of the present state, with its lens and noise; each call is a new exposure.

        Raises SimulationError when this machine cannot draw without a screen.
        """
        if spec not in self._lenses:
            self._lenses[spec] = lens_of(spec)
            seed = [self._seed, zlib.crc32(spec.name.encode())]
            self._noise[spec] = SensorNoise(spec.height, spec.width, spec.noise, np.random.default_rng(seed))
        lens = self._lenses[spec]
        camera = spec.camera
        if lens is not None:
            camera = Camera(spec.name, lens.width, lens.height, lens.K, camera.base_from_camera)
        rgb, metres = self.draw(camera, depth=depth)
        if lens is not None:
            rgb = lens.apply(rgb)
            metres = None if metres is None else lens.apply(metres, cv2.INTER_NEAREST)
        noise = self._noise[spec]
        return Picture(noise.expose(rgb), None if metres is None else noise.range(metres))

    def draw(self, camera: Camera, *, depth: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
        """Render an ideal image (H, W, 3) uint8, and true depth (H, W) float32 m, of a pinhole camera without skew."""
        context = self._ready(camera.width, camera.height)
        self._aim(camera)
        area = mujoco.MjrRect(0, 0, camera.width, camera.height)
        rgb = np.empty((camera.height, camera.width, 3), np.uint8)
        steps = np.empty((camera.height, camera.width), np.float32) if depth else None
        mujoco.mjr_render(area, self._scene, context)
        mujoco.mjr_readPixels(rgb, steps, area, context)
        return cv2.flip(rgb, 0), None if steps is None else self._metres(cv2.flip(steps, 0))

    def close(self) -> None:
        """Free the graphics memory; call this in the thread that draws."""
        if self._context is not None:
            assert self._gl is not None
            self._gl.make_current()  # else another renderer's objects of the same numbers would be freed
            self._context.free()
            self._context = None
        if self._gl is not None:
            self._gl.free()
            self._gl = None

    def _ready(self, width: int, height: int) -> mujoco.MjrContext:
        if self._gl is None:
            self._gl = open_context(width, height)
        self._gl.make_current()
        if self._context is None:
            self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
            mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
            self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR.value
        context = self._context
        if width > context.offWidth or height > context.offHeight:
            mujoco.mjr_resizeOffscreen(max(width, context.offWidth), max(height, context.offHeight), context)
        return context

    def _planes(self) -> tuple[float, float]:
        limits = self._model.vis.map
        return limits.znear * self._model.stat.extent, limits.zfar * self._model.stat.extent

    def _aim(self, camera: Camera) -> None:
        """Set OpenGL's frustum to the camera's K: borders half a pixel outside the outer pixels' centres."""
        near, far = self._planes()
        K, pose = camera.K, camera.base_from_camera
        left, right = (near * (u - K[0, 2]) / K[0, 0] for u in (-0.5, camera.width - 0.5))
        top, bottom = (near * (K[1, 2] - v) / K[1, 1] for v in (-0.5, camera.height - 0.5))
        for eye in self._scene.camera:  # MuJoCo draws the mean of its two eyes
            eye.pos, eye.forward, eye.up = pose[:3, 3], pose[:3, 2], -pose[:3, 1]
            eye.frustum_center, eye.frustum_width = (left + right) / 2, (right - left) / 2
            eye.frustum_top, eye.frustum_bottom = top, bottom
            eye.frustum_near, eye.frustum_far = near, far
            eye.orthographic = 0

    def _metres(self, steps: np.ndarray) -> np.ndarray:
        """Convert the reversed depth buffer to m: 1 is the near plane, 0 the far one."""
        near, far = self._planes()
        return np.float32(near * far) / (np.float32(near) + steps * np.float32(far - near))


def try_rendering() -> str:
    """Render one small image of an empty bench and return the backend's name. Raises SimulationError."""
    renderer = SceneRenderer(World(SceneSpec()))
    try:
        rgb = renderer.render(camera_spec_at("trial", (1.0, 0.5, 0.6), (0.4, 0.0, 0.1), width=64, height=48)).rgb
    finally:
        renderer.close()
    if rgb.std() < 5.0:
        raise SimulationError(
            f"The lab's cameras draw empty pictures through {choose_backend()} on this machine. "
            "Choose another way with the environment variable MUJOCO_GL (egl or osmesa)."
        )
    return choose_backend()
