"""Graphics items of the 3-D view: lit meshes, translucent ghosts, coloured lines, wireframes of boxes and cameras."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from OpenGL import GL
from pyqtgraph.opengl import GLLinePlotItem, GLMeshItem
from pyqtgraph.opengl.items.GLMeshItem import DirtyFlag
from pyqtgraph.opengl.shaders import FragmentShader, ShaderProgram, VertexShader

from foundation.camera import Camera
from foundation.poses import transform
from gui.view3d.meshes import Mesh

_VERTEX = """
uniform mat4 u_mvp;
uniform mat3 u_normal;
attribute vec4 a_position;
attribute vec3 a_normal;
attribute vec4 a_color;
varying vec4 v_color;
varying vec3 v_normal;
void main() {
    v_normal = u_normal * a_normal;
    v_color = a_color;
    gl_Position = u_mvp * a_position;
}
"""
# Two lights fixed to the viewer: a key light over the right shoulder, and a weak fill light from the left.
_FRAGMENT = """
#ifdef GL_ES
precision mediump float;
#endif
varying vec4 v_color;
varying vec3 v_normal;
void main() {
    vec3 n = normalize(v_normal);
    float key = max(dot(n, normalize(vec3(0.45, 0.75, 0.6))), 0.0);
    float fill = max(dot(n, normalize(vec3(-0.8, 0.1, 0.5))), 0.0);
    gl_FragColor = vec4(v_color.rgb * (0.42 + 0.5 * key + 0.18 * fill), v_color.a);
}
"""
_LIT = ShaderProgram("rehearse lit", [VertexShader(_VERTEX), FragmentShader(_FRAGMENT)])
_THROUGH = {
    GL.GL_DEPTH_TEST: True,
    GL.GL_BLEND: True,
    GL.GL_CULL_FACE: False,
    "glBlendFuncSeparate": (GL.GL_SRC_ALPHA, GL.GL_ONE_MINUS_SRC_ALPHA, GL.GL_ONE, GL.GL_ONE_MINUS_SRC_ALPHA),
}
_ALL_DIRTY = DirtyFlag.POSITION | DirtyFlag.NORMAL | DirtyFlag.COLOR | DirtyFlag.FACES


class LitMesh(GLMeshItem):
    """Lit triangle mesh with its own normals and colours; vertices can be moved without rebuilding it."""

    def __init__(self, solid: Mesh):
        super().__init__(shader=_LIT, glOptions="opaque")
        self.pose_key: np.ndarray | None = None  # pose the vertices were last moved to, kept by the caller
        self.show_solid(solid)

    def show_solid(self, solid: Mesh) -> None:
        self._dirty = _ALL_DIRTY
        self.vertexes = solid.vertices.astype(np.float32)
        self.normals = solid.normals.astype(np.float32)
        self.colors = solid.colours.astype(np.float32)
        self.faces = solid.faces.astype(np.uint32)
        self.update()

    def move_to(self, vertices: np.ndarray, normals: np.ndarray) -> None:
        """Replace vertices and normals (n, 3) float32 of the same triangles."""
        self.vertexes, self.normals = vertices, normals
        self._dirty |= DirtyFlag.POSITION | DirtyFlag.NORMAL
        self.update()

    def parseMeshData(self) -> DirtyFlag:
        """Return what has to be uploaded to the GPU; the base class would compute normals of its own."""
        dirty, self._dirty = self._dirty, DirtyFlag(0)
        return dirty


class GhostMesh(LitMesh):
    """Mesh translucent as a whole: its nearest surface is blended with what is behind, its inner parts are hidden."""

    def __init__(self, solid: Mesh):
        super().__init__(solid)
        self.setGLOptions(_THROUGH)

    def paint(self) -> None:
        """Draw in two passes: the depth alone, then the colours where the depth is nearest."""
        GL.glEnable(GL.GL_POLYGON_OFFSET_FILL)
        GL.glPolygonOffset(2.0, 2.0)  # slightly behind: where it coincides with the arm, the arm is visible
        GL.glColorMask(False, False, False, False)
        super().paint()
        GL.glColorMask(True, True, True, True)
        GL.glDepthFunc(GL.GL_LEQUAL)
        super().paint()
        GL.glDepthFunc(GL.GL_LESS)
        GL.glDisable(GL.GL_POLYGON_OFFSET_FILL)


class Lines(GLLinePlotItem):
    """Line segments, or one polyline, in a single colour or one colour per point."""

    def __init__(self, *, width: float, joined: bool = False):
        super().__init__(
            pos=np.zeros((2, 3), np.float32),
            width=width,
            antialias=True,
            mode="line_strip" if joined else "lines",
            glOptions=_THROUGH,
        )
        self.setVisible(False)

    def show_points(self, points: np.ndarray, colours: ArrayLike) -> None:
        """Show points (n, 3) m in colours (n, 4) or (4,) in [0, 1]. Fewer than two points are not drawn."""
        self.setVisible(len(points) >= 2)
        if len(points) < 2:
            return
        rgba = np.broadcast_to(np.asarray(colours, np.float32), (len(points), 4))
        self.setData(pos=np.ascontiguousarray(points, np.float32), color=np.ascontiguousarray(rgba))


def box_edges(low: ArrayLike, high: ArrayLike) -> np.ndarray:
    """Return the end points (24, 3) of the twelve edges of a box."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    edges = [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(corners[a] - corners[b]).sum() == 1]
    scaled = np.asarray(low) + corners * (np.asarray(high) - np.asarray(low))
    return scaled[np.array(edges).ravel()]


def frustum_edges(camera: Camera, depth: float) -> np.ndarray:
    """Return the end points (n, 3) of a camera's frustum, `depth` m long, with a tick at the top of the image."""
    right, bottom = camera.width - 0.5, camera.height - 0.5
    corners = np.array([[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]])
    rays = np.concatenate([corners, np.ones((4, 1))], axis=1) @ np.linalg.inv(camera.K).T
    base_from_camera = camera.base_from_camera[0] if camera.moving else camera.base_from_camera
    far = transform(base_from_camera, rays * depth)
    eye = base_from_camera[:3, 3]
    top = 0.5 * (far[0] + far[1]) - 0.25 * depth * base_from_camera[:3, 1]
    lines = [(eye, corner) for corner in far] + [(far[i], far[(i + 1) % 4]) for i in range(4)]
    return np.array([*lines, (far[0], top), (top, far[1])]).reshape(-1, 3)


def grid_lines(low: Sequence[float], high: Sequence[float], spacing: float, height: float) -> np.ndarray:
    """Return the end points (n, 3) of a square grid between the corners (x, y), at `height` m."""
    x = np.arange(np.ceil(low[0] / spacing), np.floor(high[0] / spacing) + 1) * spacing
    y = np.arange(np.ceil(low[1] / spacing), np.floor(high[1] / spacing) + 1) * spacing
    along = [[(u, low[1], height), (u, high[1], height)] for u in x]
    across = [[(low[0], v, height), (high[0], v, height)] for v in y]
    return np.array(along + across).reshape(-1, 3)
