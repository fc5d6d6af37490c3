"""Services behind the screens: connection, jobs, messages, crashes, Stop and other keys."""
