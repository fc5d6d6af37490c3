"""Record screen: task, recording, review of an episode, the lab's demonstrator."""
