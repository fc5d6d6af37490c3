"""3-D view: everything is drawn at its true position."""

import mujoco
import numpy as np
import pytest
from rehearse_pieces import CAMERAS, joints

from foundation import mjcf, xarm7
from foundation.camera import camera_at
from foundation.poses import pose, transform
from gui.view3d.arm_mesh import ArmShape, tool_marks
from gui.view3d.items import box_edges, frustum_edges
from gui.view3d.meshes import box, capsule, cylinder, sphere
from gui.view3d.panel import ScenePanel
from gui.view3d.view import thing


@pytest.mark.parametrize(
    ("solid", "volume"),
    [
        (sphere(0.1), 4 / 3 * np.pi * 0.1**3),
        (cylinder(0.1, 0.2), np.pi * 0.1**2 * 0.4),
        (capsule(0.1, 0.2), np.pi * 0.1**2 * 0.4 + 4 / 3 * np.pi * 0.1**3),
        (box(np.array([0.1, 0.2, 0.3])), 8 * 0.1 * 0.2 * 0.3),
    ],
    ids=["sphere", "cylinder", "capsule", "box"],
)
def test_solids_are_closed_and_look_outwards(solid, volume):
    corners = solid.vertices[solid.faces]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    large = np.linalg.norm(facing, axis=1) > 1e-9
    mean = solid.normals[solid.faces].mean(axis=1)
    assert (np.einsum("ij,ij->i", facing, mean)[large] > 0).all()
    enclosed = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert enclosed == pytest.approx(volume, rel=0.03)  # a circle is drawn with 24 corners
    assert np.allclose(np.linalg.norm(solid.normals, axis=1), 1.0)


def test_the_arm_is_drawn_where_its_kinematics_put_it():
    shape = ArmShape()
    q = joints()[-1]
    posed, still = shape.at(q), shape.at(xarm7.HOME)
    turn = pose(mjcf_rotation(q[0] - xarm7.HOME[0]))
    moved = still.vertices[:, 2] > 0.3  # all of it is beyond joint 1
    assert np.allclose(posed.vertices[moved], transform(turn, still.vertices)[moved], atol=1e-6)
    tool = xarm7.forward(q)[:3, 3]
    assert np.linalg.norm(posed.vertices - tool, axis=1).min() < 0.05  # the finger tips stand around the tool point


def mjcf_rotation(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def test_the_gripper_opens_by_its_stroke():
    shape = ArmShape()
    opened, closed = shape.at(xarm7.HOME, 1.0).vertices, shape.at(xarm7.HOME, 0.0).vertices
    travel = np.linalg.norm(opened - closed, axis=1)
    assert travel.max() == pytest.approx(mjcf.FINGER_TRAVEL, abs=1e-5)
    assert (travel == 0).sum() > len(travel) / 2


def test_every_look_of_the_description_is_drawn():
    model = mjcf.arm_spec().compile()
    looks = (model.geom_group == mjcf.LOOK_GROUP).sum()
    assert looks > 40 and mujoco.mjtGeom.mjGEOM_MESH not in model.geom_type
    assert len(ArmShape().solid.vertices) > 24 * looks


def test_frusta_and_boxes_lie_where_they_belong():
    camera = CAMERAS[0]
    edges = frustum_edges(camera, 0.1).reshape(-1, 2, 3)
    eye = camera.base_from_camera[:3, 3]
    assert np.allclose(edges[:4, 0], eye)
    corners = camera.project(edges[:4, 1])
    assert np.allclose(corners, [[-0.5, -0.5], [63.5, -0.5], [63.5, 47.5], [-0.5, 47.5]], atol=1e-6)
    low, high = (-0.1, -0.2, 0.0), (0.3, 0.4, 0.5)
    lengths = np.linalg.norm(np.diff(box_edges(low, high).reshape(-1, 2, 3), axis=1)[:, 0], axis=1)
    assert sorted(np.round(lengths, 6)) == [0.4] * 4 + [0.5] * 4 + [0.6] * 4


def test_tool_marks_are_the_tools_axes():
    base_from_tool = xarm7.forward(joints())
    marks = tool_marks(base_from_tool, 0.03)
    assert np.allclose(marks[:, :, 0], base_from_tool[:, None, :3, 3])
    assert np.allclose(marks[:, 2, 1] - marks[:, 2, 0], 0.03 * base_from_tool[:, :3, 2])


@pytest.fixture
def scene(qtbot):
    scene = ScenePanel()
    qtbot.addWidget(scene)
    scene.resize(320, 240)
    scene.show()
    qtbot.waitExposed(scene)
    return scene


def pixels(scene: ScenePanel) -> np.ndarray:
    """Return the shown pixels (H, W, 3) int."""
    image = scene.grab().toImage().convertToFormat(scene.grab().toImage().Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def test_what_is_shown_is_seen_and_can_be_taken_away(scene, capsys):
    empty = pixels(scene)
    in_sight = camera_at("far side", 64, 48, 0.9, (0.3, 0.5, 0.3), (0.4, 0.0, 0.1))
    seen = {}
    for name, show, clear in (
        ("arm", lambda: scene.show_arm(xarm7.HOME), lambda: scene.show_arm(None)),
        ("ghost", lambda: scene.show_ghost(xarm7.HOME, 0.3), lambda: scene.show_ghost(None)),
        ("path", lambda: scene.show_path(xarm7.forward(joints())), lambda: scene.show_path(None)),
        (
            "workspace",
            lambda: scene.show_workspace((0, -0.4, 0), (0.6, 0.4, 0.6)),
            lambda: scene.show_workspace(None, None),
        ),
        ("cameras", lambda: scene.show_cameras([in_sight]), lambda: scene.show_cameras(())),
        (
            "things",
            lambda: scene.show_things([thing("cube", (0.1,) * 3, np.eye(4), (1, 0, 0))]),
            lambda: scene.show_things(()),
        ),
    ):
        show()
        seen[name] = int((np.abs(pixels(scene) - empty).max(axis=-1) > 12).sum())
        clear()
        assert (pixels(scene) == empty).all(), name
    assert min(seen.values()) > 30, seen
    assert seen["arm"] > 1000
    assert "Error" not in capsys.readouterr().err  # pyqtgraph prints errors that occur while it draws


def test_the_ghost_can_be_seen_through(scene):
    scene.show_arm(xarm7.HOME)
    alone = pixels(scene)
    scene.show_ghost(xarm7.HOME)  # in the same place the arm is in front
    assert (np.abs(pixels(scene) - alone).max(axis=-1) > 12).mean() < 0.01
    scene.show_ghost(joints()[-1])
    both = pixels(scene)
    assert (np.abs(both - alone).max(axis=-1) > 12).mean() > 0.01


def test_nothing_is_drawn_again_without_a_reason(scene, qtbot):
    scene.show_arm(xarm7.HOME)
    scene.grab()
    drawn = scene.drawn
    scene.show_arm(xarm7.HOME + 1e-5)
    scene.show_legend("Grey: the arm now.")
    scene.grab()
    assert scene.drawn == drawn
    scene.show_arm(xarm7.HOME + 0.01)
    scene.grab()
    assert scene.drawn == drawn + 1


def test_points_of_view(scene):
    scene.show_arm(xarm7.HOME)
    views = []
    for name in scene.view_names():
        scene.look_from(name)
        views.append(pixels(scene))
    assert all((a != b).any() for i, a in enumerate(views) for b in views[:i])


def test_unknown_frames_are_left_out_of_the_path(scene, recwarn):
    poses = xarm7.forward(joints())
    poses[2:4] = np.nan
    scene.show_path(poses)
    scene.grab()
    scene.show_arm(np.full(7, np.nan))
    scene.grab()
    assert not recwarn.list
