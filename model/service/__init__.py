"""The model in its own process: the process, its client, and the messages between them."""
