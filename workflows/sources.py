"""Where proposals come from without a model: the lab's scripted demonstrators, and stored trajectories."""

from pathlib import Path

import numpy as np

from foundation import xarm7
from foundation.trajectory import Scene, Trajectory
from robot.joint_trajectory import JointTrajectory
from robot.waypoints import joint_path
from simulation.bench.tasks import task_from_instruction
from workflows.cancellation import Cancellation, Report
from workflows.demonstrator import waypoints
from workflows.proposal import Proposal, proposal_from_trajectory
from workflows.session import NotConnectedError, Session
from workflows.trajectory_file import load_trajectory

FRAMES = 41  # of a proposal, as the model makes them


class DemonstratorSource:
    """The script that knows where everything in the embedded lab is; its motion is shown as action images."""

    name = "demonstrator"

    def __init__(self, session: Session):
        self._session = session

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        """Raises NotConnectedError without a lab, and the lab's KnownError for what it does not understand."""
        lab, robot = self._session.lab, self._session.robot
        if lab is None or robot is None or robot.status is None:
            raise NotConnectedError("The scripted demonstrator needs the embedded lab. Choose it on the Set up screen.")
        report("Asking the demonstrator", 0.05)
        truth = lab.truth()
        way = waypoints(task_from_instruction(instruction, lab.scene), lab.scene, truth)
        motion = joint_path(way, robot.status.position, openness=truth.openness, settings=robot.limits)
        token.raise_if_cancelled()
        return proposal_from_trajectory(instruction, self.name, scene, tool_motion(motion), report, token)


class ReplaySource:
    """A trajectory from a file, proposed for the present scene."""

    name = "replay"

    def __init__(self, session: Session, path: Path):
        self._session, self._path = session, path

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        """Raises TrajectoryFileError when the file holds no trajectory."""
        report("Reading the trajectory", 0.05)
        trajectory, stored = load_trajectory(self._path)
        trajectory = trajectory.at(np.linspace(trajectory.times[0], trajectory.times[-1], FRAMES))
        return proposal_from_trajectory(instruction or stored, self.name, scene, trajectory, report, token)


def tool_motion(motion: JointTrajectory, frames: int = FRAMES) -> Trajectory:
    """What a joint trajectory does with the tool, as a trajectory of so many frames evenly spread over its time."""
    moments = np.linspace(0.0, motion.duration, frames) if motion.duration > 0 else np.arange(frames) * 0.1
    position = np.array([motion.at(moment).position for moment in moments])
    openness = np.array([motion.openness_at(moment) for moment in moments])
    return Trajectory(moments, xarm7.forward(position), openness)
