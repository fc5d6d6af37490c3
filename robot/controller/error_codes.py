"""Error codes of the controller, the gripper and the SDK, with their meaning and remedy for the operator.

Sources: the xArm user manual's error chapter and the SDK's own lists; the sentences are ours.
"""

_CYCLE = "Press the red emergency button, wait five seconds, release it, then enable the motors."
_SUPPORT = "If it comes back after switching the control box off and on, call UFACTORY's support."

# code: (meaning, remedy)
CONTROLLER_ERRORS: dict[int, tuple[str, str]] = {
    1: ("The red emergency button is pressed.", "Release it by turning, then clear the error."),
    2: ("The emergency input of the control box is open.", "Close the EI loop, then clear the error."),
    3: ("The emergency button of the three-position switch is pressed.", "Release it, then clear the error."),
    10: ("A joint's motor drive reports a fault.", f"{_CYCLE} {_SUPPORT}"),
    **{10 + i: (f"The motor drive of joint {i} reports a fault.", f"{_CYCLE} {_SUPPORT}") for i in range(1, 8)},
    18: ("The force sensor does not answer.", "Check that it is mounted and plugged in."),
    19: ("The gripper or tool does not answer.", "Check its plug at the arm's end, then clear the error."),
    21: ("The arm cannot get there this way.", "Choose another way, farther from full stretch and singular postures."),
    22: ("The arm would have hit itself.", "Move it free by hand guiding, then choose another way."),
    23: ("A joint has come to the end of its range.", "Move it back by hand guiding."),
    24: ("The arm was asked to move faster than it can.", "Move slower, and away from full stretch."),
    25: ("The controller could not plan the motion.", "Move slower or choose another way."),
    26: ("The control box lost its real-time pace.", _SUPPORT),
    27: ("The control box did not get an answer from a joint.", f"{_CYCLE} {_SUPPORT}"),
    28: ("The module at the arm's end does not answer.", f"{_CYCLE} {_SUPPORT}"),
    30: ("A joint turns faster than it may.", _SUPPORT),
    31: ("The arm has hit something, or carries another load than it was told.", "Free it; check load and tool."),
    32: ("The three points make no circle.", "Give other points."),
    33: ("The inputs and outputs of the control box report a fault.", "Check their wires; switch the box off and on."),
    34: ("The recording was longer than the controller's five minutes.", "Record again, shorter."),
    35: ("The arm has reached the safety boundary set in the controller.", "Move it back inside by hand guiding."),
    36: ("Too many delayed commands wait in the controller.", "Stop, then start again."),
    37: ("The arm moved strangely while guided by hand.", "Check load, tool and mounting direction in the controller."),
    38: ("A joint's angle cannot be right.", "Press the red emergency button and call UFACTORY's support."),
    39: ("The power board's two halves do not understand each other.", _SUPPORT),
    40: ("There is no joint motion to that pose.", "Choose another pose."),
    41: ("The friction file of the controller is damaged.", f"{_CYCLE} {_SUPPORT}"),
    42: ("The calibration file of the controller is damaged.", f"{_CYCLE} {_SUPPORT}"),
    50: ("The force sensor cannot be read.", "Check its plug, then clear the error."),
    51: ("The force sensor does not change its mode.", "Clear the error and try again."),
    52: ("The force sensor cannot be set to zero.", "Unload it, clear the error and try again."),
    53: ("The force sensor is overloaded.", "Unload the tool, then clear the error."),
    60: ("The tool was asked to move faster than the controller allows while streaming.", "Move slower."),
    110: ("The board in the arm's base does not answer.", _SUPPORT),
    111: ("A device at the control box's RS485 plug does not answer.", "Check its wires, or remove it."),
}

CONTROLLER_WARNINGS: dict[int, tuple[str, str]] = {
    11: ("The controller's queue of commands is full.", "Wait until it has worked some off."),
    12: ("The controller got a command with a wrong number in it.", "Report this as a fault of the program."),
    13: ("The controller does not know a command.", "Update the firmware of the control box."),
    14: ("The controller found no solution for a command.", "Choose another pose."),
    15: ("The queue to the gripper is full.", "Wait a moment."),
}

_AGAIN = "Enable the gripper again."
GRIPPER_ERRORS: dict[int, tuple[str, str]] = {
    9: ("The gripper cannot measure its current.", f"{_CYCLE} {_SUPPORT}"),
    11: ("The gripper's current is too high.", f"Free its fingers. {_AGAIN}"),
    12: ("The gripper is too fast.", _AGAIN),
    14: ("The gripper was told a position it does not have.", _AGAIN),
    15: ("The gripper's memory fails.", f"{_AGAIN} {_SUPPORT}"),
    20: ("The gripper's motor driver fails.", f"{_AGAIN} {_SUPPORT}"),
    21: ("The gripper's motor driver does not start.", f"{_AGAIN} {_SUPPORT}"),
    23: ("The gripper is blocked.", f"Free its fingers. {_AGAIN}"),
    25: ("The gripper was told a position outside its range.", _AGAIN),
    26: ("The gripper is outside its range.", _SUPPORT),
    33: ("The gripper's drive is overloaded.", f"Let it cool down. {_AGAIN}"),
    34: ("The gripper's motor is overloaded.", f"Let it cool down. {_AGAIN}"),
    36: ("The gripper's driver is of the wrong kind.", _SUPPORT),
}

_CONNECT_AGAIN = "Check the cable and the control box, then connect again."
API_CODES: dict[int, tuple[str, str]] = {
    -13: ("The controller sent an answer of the wrong length.", _CONNECT_AGAIN),
    -12: ("The controller could not run the command.", "Try again."),
    -9: ("The arm was stopped.", "Make it ready again when it may move."),
    -8: ("A joint's target lies outside its range.", "Choose another pose."),
    -7: ("A joint's target lies outside its range.", "Choose another pose."),
    -6: ("The pose lies outside the arm's range.", "Choose another pose."),
    -3: ("The controller could not run the command.", "Try again."),
    -2: ("The arm is not ready.", "Make it ready first."),
    -1: ("The connection to the arm is lost.", _CONNECT_AGAIN),
    1: ("The controller reports an error.", "Follow the recovery steps."),
    2: ("The controller reports a warning.", "Go on when the cause is clear."),
    3: ("The arm's controller does not answer.", _CONNECT_AGAIN),
    4: ("The controller sent an answer of the wrong length.", _CONNECT_AGAIN),
    5: ("The controller's answers are out of order.", _CONNECT_AGAIN),
    6: ("The controller answers in another protocol.", _CONNECT_AGAIN),
    7: ("The controller answered another question.", _CONNECT_AGAIN),
    8: ("The connection to the arm is lost.", _CONNECT_AGAIN),
    9: ("The arm is not ready to move.", "Make it ready first."),
    10: ("The controller has no result for this.", "Choose another pose."),
    11: ("The controller could not run the command.", "Try again."),
    12: ("The controller refused a number in the command.", "Report this as a fault of the program."),
    20: ("The gripper's bus does not exist at this controller.", "Update the firmware of the control box."),
    21: ("The gripper's speed of transmission is not supported.", "Update the firmware of the control box."),
    22: ("The gripper's speed of transmission is wrong.", "Enable the gripper again."),
    23: ("The gripper sent an answer of the wrong length.", "Check its plug at the arm's end."),
    100: ("The controller did not finish in time.", "Try again."),
    101: ("The controller's state could not be read.", _CONNECT_AGAIN),
    102: ("The gripper reports a fault.", _AGAIN),
    103: ("The gripper is not enabled.", _AGAIN),
}
LINK_CODES = frozenset((-13, -1, 3, 4, 5, 6, 7, 8, 101))  # no trustworthy answer arrived


def _sentence(table: dict[int, tuple[str, str]], code: int, name: str) -> str:
    meaning, cure = table.get(code, (f"{name} {code} was reported.", f"Look it up in the xArm manual. {_SUPPORT}"))
    return f"{meaning} {cure} ({name} {code})" if code in table else f"{meaning} {cure}"


def controller_error(code: int) -> str:
    """Return meaning and remedy of the controller error C`code`."""
    return _sentence(CONTROLLER_ERRORS, code, "controller error")


def controller_warning(code: int) -> str:
    """Return meaning and remedy of the controller warning W`code`."""
    return _sentence(CONTROLLER_WARNINGS, code, "controller warning")


def gripper_error(code: int) -> str:
    """Return meaning and remedy of the gripper error G`code`."""
    return _sentence(GRIPPER_ERRORS, code, "gripper error")


def api_code(code: int) -> str:
    """Return meaning and remedy of a code returned by an SDK call."""
    return _sentence(API_CODES, code, "SDK code")
