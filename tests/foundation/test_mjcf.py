"""The arm's MuJoCo description against the numbers of foundation/xarm7.py."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

import mujoco
import numpy as np
import pytest

from foundation import mjcf, xarm7
from foundation.poses import from_rpy


@pytest.fixture(scope="module")
def model():
    return mjcf.arm_spec().compile()


def contacts(model, q, openness=1.0) -> set[tuple[str, str]]:
    data = mujoco.MjData(model)
    data.qpos[:] = mjcf.arm_qpos(np.asarray(q), openness)
    mujoco.mj_forward(model, data)
    return {(model.geom(a).name, model.geom(b).name) for a, b in data.contact.geom}


def test_link_frames_are_the_same(model):
    data = mujoco.MjData(model)
    generator = np.random.default_rng(0)
    for q in generator.uniform(xarm7.LOWER, xarm7.UPPER, (200, 7)):
        data.qpos[:] = mjcf.arm_qpos(q)
        mujoco.mj_kinematics(model, data)
        for frame, name in zip(xarm7.link_frames(q), mjcf.LINK_BODIES, strict=True):
            np.testing.assert_allclose(data.body(name).xpos, frame[:3, 3], atol=1e-9)
            np.testing.assert_allclose(data.body(name).xmat.reshape(3, 3), frame[:3, :3], atol=1e-9)
        tool = xarm7.forward(q)
        np.testing.assert_allclose(data.site(mjcf.TOOL_SITE).xpos, tool[:3, 3], atol=1e-9)
        np.testing.assert_allclose(data.site(mjcf.TOOL_SITE).xmat.reshape(3, 3), tool[:3, :3], atol=1e-9)


def test_limits_efforts_masses_and_inertias(model):
    np.testing.assert_allclose(model.jnt_range[:7], np.column_stack([xarm7.LOWER, xarm7.UPPER]))
    np.testing.assert_allclose(model.actuator_ctrlrange[:7], np.column_stack([-xarm7.EFFORT, xarm7.EFFORT]))
    for i, name in enumerate(mjcf.LINK_BODIES):
        body = model.body(name)
        assert body.mass[0] == pytest.approx(xarm7.LINK_MASS[i])
        np.testing.assert_allclose(body.ipos, xarm7.LINK_CENTRE[i], atol=1e-9)
        np.testing.assert_allclose(np.sort(body.inertia), np.sort(xarm7.LINK_INERTIA[i]), rtol=5e-3, atol=2e-6)
    assert model.body("base").mass[0] == pytest.approx(xarm7.BASE_MASS)


def test_the_gripper_weighs_and_opens_as_the_real_one(model):
    parts = [model.body(name) for name in ("gripper", "left_finger", "right_finger")]
    masses = np.array([part.mass[0] for part in parts])
    assert masses.sum() == pytest.approx(xarm7.GRIPPER_MASS)
    centre = sum(part.mass[0] * (part.pos + part.ipos) for part in parts) / masses.sum()
    np.testing.assert_allclose(centre, [0, 0, 0.048], atol=0.001)
    data = mujoco.MjData(model)
    for openness in (0.0, 0.5, 1.0):
        data.qpos[:] = mjcf.arm_qpos(xarm7.HOME, openness)
        mujoco.mj_kinematics(model, data)
        left, right = data.geom("left_pad"), data.geom("right_pad")
        thickness = 2 * model.geom("left_pad").size[1]
        gap = np.linalg.norm(left.xpos - right.xpos) - thickness
        assert gap == pytest.approx(openness * xarm7.GRIPPER_STROKE, abs=1e-9)
        lowest = min(pad.xpos[2] - model.geom("left_pad").size[2] for pad in (left, right))
        assert lowest == pytest.approx(data.site(mjcf.TOOL_SITE).xpos[2], abs=1e-7)  # the TCP is at the tips


def test_the_arm_collides_with_itself_where_it_must(model):
    assert not contacts(model, xarm7.HOME)
    assert not contacts(model, np.zeros(7))
    assert not contacts(model, xarm7.HOME, 0.0)
    palm_on_forearm = [0.0, -0.8, 0.0, 1.6, 0.0, 3.1, 0.0]
    assert contacts(model, palm_on_forearm) == {("link4_hull", "palm_hull")}
    palm_on_base = [0.0, 0.4, 0.0, 0.1, 0.0, 0.4, 0.0]
    assert contacts(model, palm_on_base) == {("base_hull", "palm_hull")}
    finger_on_shoulder = [0.0, -0.9, 0.0, 0.4, 0.0, 1.9, 0.0]
    assert contacts(model, finger_on_shoulder) == {("link1_hull", "right_pad")}


def test_the_arm_is_free_where_it_works(model):
    for x in (0.25, 0.4, 0.52):
        for y in (-0.3, 0.0, 0.3):
            for z in (0.01, 0.25):
                goal = from_rpy(np.array([x, y, z]), np.array([np.pi, 0.0, 0.5]))
                q = xarm7.inverse_anywhere(goal, xarm7.HOME)
                assert q is not None
                assert not contacts(model, q)


def test_neighbours_never_collide(model):
    """Bend one joint at a time through its range: it touches only links farther away than the next one."""
    neighbours = [{"base", "link1"}, *({f"link{i}", f"link{i + 1}"} for i in range(1, 7))]
    for joint in range(7):
        for angle in np.linspace(xarm7.LOWER[joint], xarm7.UPPER[joint], 25):
            q = xarm7.HOME.copy()
            q[joint] = angle
            for pair in contacts(model, q):
                bodies = {model.body(model.geom(name).bodyid[0]).name for name in pair}
                assert bodies not in neighbours
