"""The bench's contents and their physics: scenes, the MuJoCo world, tasks and their success checkers."""
