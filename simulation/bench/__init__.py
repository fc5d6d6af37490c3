"""What stands on the bench and how it moves: scenes, MuJoCo world, tasks and their checkers."""
