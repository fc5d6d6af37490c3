"""Training of the world-action model, its codec and its frame decoder: batches in, checkpoints out."""
