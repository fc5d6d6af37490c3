"""The robot loop and what it decides with: limiter, follower, jogging, takeover by others, recovery."""
