"""Sources of proposals without a model: the lab's scripted demonstrator, and stored trajectories."""

from pathlib import Path

import numpy as np

from foundation import xarm7
from foundation.trajectory import Scene, Trajectory
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.plan import Plan
from robot.planning.waypoints import joint_path
from simulation.bench.tasks import task_from_instruction
from workflows.cancellation import Cancellation, Report
from workflows.demonstration.demonstrator import waypoints
from workflows.proposals.proposal import Proposal, proposal_from_trajectory
from workflows.proposals.trajectory_file import TrajectoryFileError, load_trajectory
from workflows.session import NotConnectedError, Session

FRAMES = 41  # of a proposal, as many as the model generates


class DemonstratorSource:
    """Scripted demonstrator with ground-truth access to the embedded lab; its motion is shown as action images."""

    name = "demonstrator"

    def __init__(self, session: Session):
        self._session = session

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        """Propose the script's motion. Raises NotConnectedError without a lab, KnownError for unknown instructions."""
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
    """Replay for the present scene of a trajectory file, of the recorded motion of an episode (its folder in the
    library), or of an earlier rehearsal's proposal (its folder)."""

    name = "replay"

    def __init__(self, session: Session, path: Path):
        self._session, self._path = session, path

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        """Propose the stored motion. Raises TrajectoryFileError when there is none, StorageError for a bad episode."""
        report("Reading the trajectory", 0.05)
        trajectory, stored = motion_in(self._path)
        trajectory = trajectory.at(np.linspace(trajectory.times[0], trajectory.times[-1], FRAMES))
        return proposal_from_trajectory(instruction or stored, self.name, scene, trajectory, report, token)


def motion_in(path: Path) -> tuple[Trajectory, str]:
    """Return the motion in a trajectory file, an episode's or a rehearsal's folder, and its instruction."""
    if (path / "plan.bin").is_file():
        return _rehearsed(path)
    return _recorded(path) if path.is_dir() else load_trajectory(path)


def _rehearsed(folder: Path) -> tuple[Trajectory, str]:
    from storage.rehearsals import read_rehearsal

    try:
        plan = Plan.from_bytes((folder / "plan.bin").read_bytes())
    except OSError as error:
        raise TrajectoryFileError(f"The rehearsal in {folder} cannot be read: {error.strerror}.") from error
    return plan.intended, str(read_rehearsal(folder)["instruction"])


def _recorded(folder: Path) -> tuple[Trajectory, str]:
    """Return the arm's motion in an episode, without trimmed idle ends, and its instruction."""
    from storage.episodes.episode import Episode  # deferred: Arrow is slow to import, and only replays need it

    episode = Episode(folder)
    if episode.trajectory is None:
        raise TrajectoryFileError("Nothing is known of the arm's motion in this episode: it cannot be replayed.")
    start, end = episode.span
    times = episode.trajectory.times
    inside = times[(times >= start) & (times <= end)]
    if len(inside) < 2:
        raise TrajectoryFileError("Too little of this episode is left to be replayed. Move its trim handles apart.")
    return episode.trajectory.at(inside), episode.labels.instruction


def tool_motion(motion: JointTrajectory, frames: int = FRAMES) -> Trajectory:
    """Return the tool's trajectory along a joint trajectory, with `frames` frames evenly spaced in time."""
    moments = np.linspace(0.0, motion.duration, frames) if motion.duration > 0 else np.arange(frames) * 0.1
    position = np.array([motion.at(moment).position for moment in moments])
    openness = np.array([motion.openness_at(moment) for moment in moments])
    return Trajectory(moments, xarm7.forward(position), openness)
