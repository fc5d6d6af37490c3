"""Robot process with a bug in its fiftieth target; started in the program's place (`foundation.processes`)."""

import argparse
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from foundation.messages import Channel
from robot.service import process


class Failing(process._Stream):
    targets = 0

    def servo_joints(self, position) -> None:
        self.targets += 1
        self.targets // (50 - min(self.targets, 50))
        super().servo_joints(position)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--role")
    parser.add_argument("--channel", type=int)
    process._Stream = Failing
    process.run(Channel(socket.socket(fileno=parser.parse_args().channel)))
