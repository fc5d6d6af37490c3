"""Robot control loop and its parts: motions, follower, jogging, takeover detection, recovery."""
