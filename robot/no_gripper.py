"""An arm that carries no gripper."""

from robot.errors import RobotError


class NoGripper:
    """A GripperPort that asks nothing of the controller, which would stop the arm (C19) over a gripper that is absent.

    What a motion says of the gripper is left out; its findings have told so.
    """

    fault = ""

    def enable_gripper(self) -> None:
        pass

    def move_gripper(self, pulse: float) -> None:
        pass

    def read_gripper(self) -> float:
        raise RobotError("The arm carries no gripper.")

    def forget(self) -> None:
        pass

    def close(self) -> None:
        pass
