"""Physical world of the embedded lab: arm, bench and objects in MuJoCo. Without a clock; only `step` advances it."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

from dataclasses import dataclass

import mujoco
import numpy as np

from foundation import mjcf, xarm7
from foundation.poses import pose
from simulation.bench.build import GRIPPER_TAG_SIZE, GRIPPER_TAGS, build_model
from simulation.bench.drive import JointDrives
from simulation.bench.scene import SceneSpec
from simulation.controller.plant import Measurement
from simulation.errors import SimulationError

# The finger motor pushes at its full force when its target lies this far beyond what stops the fingers.
_GRIPPER_LEAD = 0.004  # m of finger travel
_PULSE_TRAVEL = mjcf.FINGER_TRAVEL / xarm7.GRIPPER_OPEN_PULSE  # m per pulse


@dataclass(frozen=True, eq=False, slots=True)
class Truth:
    """Ground truth of the world at one time, in the base frame.

    `poses`: base_from_thing (4, 4) by name (objects, bowl, box, lid, cabinet, drawer); `speeds` m/s of the same;
    `held`: names of the objects that both fingers touch; `drawer_opening` m, None without a drawer.
    """

    time: float
    poses: dict[str, np.ndarray]
    speeds: dict[str, float]
    held: frozenset[str]
    drawer_opening: float | None
    base_from_tool: np.ndarray
    openness: float


class World:
    """Simulated scene; implements `Plant`. The same scene and the same calls give the same states, bit for bit."""

    def __init__(
        self, scene: SceneSpec, position: np.ndarray = xarm7.HOME, gripper_pulse: float = xarm7.GRIPPER_OPEN_PULSE
    ):
        self.scene = scene
        self.model = build_model(scene)
        self.data = mujoco.MjData(self.model)
        self.start_from(np.array(position, float), gripper_pulse)
        self._bodies = {self.model.body(i).name: i for i in range(1, self.model.nbody)}
        self._tool = self.model.site(mjcf.TOOL_SITE).id
        self._fingers = tuple(self.model.joint(name).bodyid[0] for name in mjcf.FINGER_JOINTS)
        self._named = [name for name in (*scene.names, "cabinet") if name in self._bodies]

    def start_from(self, position: np.ndarray, gripper_pulse: float, time: float = 0.0) -> None:
        """Start at `time` s with the arm at rest at `position` (7,) rad and the gripper at `gripper_pulse`."""
        self.data.time = time
        travel = float(np.clip(gripper_pulse * _PULSE_TRAVEL, 0.0, mjcf.FINGER_TRAVEL))
        self.data.qpos[:9] = mjcf.arm_qpos(position, travel / mjcf.FINGER_TRAVEL)
        if self.scene.drawer:
            self.data.joint("drawer").qpos[0] = self.scene.drawer.opening
        self._drives = JointDrives(self.model, position)
        self._hand: tuple[np.ndarray, np.ndarray] | None = None
        self._gripper_target, self._gripper_speed = travel, 0.0
        self._gripper_wanted = travel
        mujoco.mj_forward(self.model, self.data)

    @property
    def time(self) -> float:
        """Virtual seconds since the start."""
        return float(self.data.time)

    def command_joints(self, position: np.ndarray, velocity: np.ndarray) -> None:
        self._drives.command(position, velocity)

    def release_joints(self) -> None:
        self._drives.release()

    def command_gripper(self, pulse: float, pulses_per_s: float) -> None:
        self._gripper_target = float(np.clip(pulse, -10, xarm7.GRIPPER_OPEN_PULSE)) * _PULSE_TRAVEL
        self._gripper_speed = abs(pulses_per_s) * _PULSE_TRAVEL

    def pull_tool(self, force: np.ndarray, torque: np.ndarray | None = None) -> None:
        """Apply a hand's `force` (3,) N and `torque` (3,) N m in base at the TCP until the next call; zeros let go."""
        torque = np.zeros(3) if torque is None else np.array(torque, float)
        hand = np.array(force, float), torque
        self._hand = hand if np.any(hand[0]) or np.any(hand[1]) else None
        if self._hand is None:
            self.data.qfrc_applied[:] = 0.0

    def step(self, dt: float) -> None:
        """Advance by `dt` s, a whole number of the model's time steps of 2 ms; raises ValueError for anything else.

        Raises SimulationError when the simulation diverges, as after forces that no bench ever sees.
        """
        steps = round(dt / self.model.opt.timestep)
        if steps < 1 or abs(steps * self.model.opt.timestep - dt) > 1e-9:
            raise ValueError(f"the world steps by multiples of {self.model.opt.timestep} s, not by {dt} s")
        model, data = self.model, self.data
        begun = data.time
        for i in range(steps):
            mujoco.mj_step1(model, data)
            data.ctrl[: xarm7.JOINTS] = self._drives.torque(data, i / steps)
            data.ctrl[xarm7.JOINTS] = self._next_gripper_target()
            if self._hand is not None:
                self._apply_hand(*self._hand)
            mujoco.mj_step2(model, data)
        if data.time < begun + 0.5 * dt:  # MuJoCo resets itself to time zero when a number is no longer finite
            raise SimulationError("The lab's physics broke down at this moment. Start the lab again.")
        self._drives.finish_step(data.qpos[: xarm7.JOINTS])

    def _next_gripper_target(self) -> float:
        """Return finger travel in m on the way to the commanded one, never far ahead of the fingers' actual travel."""
        travel = self.data.qpos[xarm7.JOINTS]
        reach = self._gripper_speed * self.model.opt.timestep
        wanted = min(max(self._gripper_target, self._gripper_wanted - reach), self._gripper_wanted + reach)
        self._gripper_wanted = min(max(wanted, travel - _GRIPPER_LEAD), travel + _GRIPPER_LEAD)
        return self._gripper_wanted

    def _apply_hand(self, force: np.ndarray, torque: np.ndarray) -> None:
        data = self.data
        data.qfrc_applied[:] = 0.0
        body = self.model.site_bodyid[self._tool]
        mujoco.mj_applyFT(self.model, data, force, torque, data.site_xpos[self._tool], body, data.qfrc_applied)

    def measure(self) -> Measurement:
        data, arm = self.data, slice(0, xarm7.JOINTS)
        return Measurement(
            position=data.qpos[arm].copy(),
            velocity=data.qvel[arm].copy(),
            effort=data.actuator_force[arm].copy(),
            disturbance=-data.qfrc_constraint[arm],  # no dry friction in the arm: contacts, and joint limits
            gripper_pulse=float(data.qpos[xarm7.JOINTS] + data.qpos[xarm7.JOINTS + 1]) / 2 / _PULSE_TRAVEL,
        )

    def truth(self) -> Truth:
        """Return the present poses and speeds of all named objects."""
        data = self.data
        mujoco.mj_kinematics(self.model, data)  # poses lag one time step behind the coordinates after a step
        poses = {name: self._body_pose(self._bodies[name]) for name in self._named}
        drawer = float(data.joint("drawer").qpos[0]) if self.scene.drawer else None
        openness = float(np.clip(self.measure().gripper_pulse / xarm7.GRIPPER_OPEN_PULSE, 0.0, 1.0))
        tool = pose(data.site_xmat[self._tool].reshape(3, 3), data.site_xpos[self._tool])
        return Truth(self.time, poses, self._speeds(), self._held(), drawer, tool, openness)

    def tag_corners(self, number: int) -> np.ndarray:
        """Return the corners (4, 3) m in base of a tag's black square: top left, top right, bottom right, bottom left.

        The order is that of the upright tag. Raises SimulationError for a tag that is not in the scene.
        """
        name = f"tag {number}"
        sizes = {f"tag {tag.number}": tag.size for tag in self.scene.tags}
        if self.scene.gripper_board:
            sizes |= {f"tag {tag}": GRIPPER_TAG_SIZE for tag in GRIPPER_TAGS}
        if name not in sizes:
            shown = ", ".join(str(tag.number) for tag in self.scene.tags) or "none"
            raise SimulationError(f"The lab's scene has no AprilTag {number}. On the bench are: {shown}.")
        mujoco.mj_kinematics(self.model, self.data)
        square = np.array([[-1, 1, 0], [1, 1, 0], [1, -1, 0], [-1, -1, 0]]) * sizes[name] / 2
        plate = self.data.site(name)
        return plate.xpos + square @ plate.xmat.reshape(3, 3).T

    def _body_pose(self, body: int) -> np.ndarray:
        return pose(self.data.xmat[body].reshape(3, 3), self.data.xpos[body])

    def _speeds(self) -> dict[str, float]:
        speeds = {}
        for name in self._named:
            body = self._bodies[name]
            first, count = self.model.body_dofadr[body], min(3, int(self.model.body_dofnum[body]))
            speeds[name] = float(np.linalg.norm(self.data.qvel[first : first + count])) if count else 0.0
        return speeds

    def _held(self) -> frozenset[str]:
        """Return the names of the bodies that both fingers touch."""
        bodies = self.model.geom_bodyid[self.data.contact.geom]
        touched = [
            {int(other) for pair in (bodies, bodies[:, ::-1]) for other in pair[pair[:, 0] == finger, 1]}
            for finger in self._fingers
        ]
        both = touched[0] & touched[1]
        return frozenset(name for name in self._named if self._bodies[name] in both)

    def contact_force(self, geom: int) -> float:
        """Return the sum of the normal forces in N on one geom of the model."""
        force, total = np.zeros(6), 0.0
        for i, pair in enumerate(self.data.contact.geom):
            if geom in pair:
                mujoco.mj_contactForce(self.model, self.data, i, force)
                total += float(force[0])
        return total

    def place(self, name: str, position: np.ndarray) -> None:
        """Place a loose object's origin at `position` (3,) m, at rest and upright, as an operator tidying up would."""
        joint = self.model.jnt_qposadr[self.model.body_jntadr[self._bodies[name]]]
        dof = self.model.body_dofadr[self._bodies[name]]
        self.data.qpos[joint : joint + 7] = [*position, 1.0, 0.0, 0.0, 0.0]
        self.data.qvel[dof : dof + 6] = 0.0

    def snapshot(self) -> np.ndarray:
        """Copy the coordinates (nq,): all of the state that a renderer in another thread or process needs."""
        return self.data.qpos.copy()
