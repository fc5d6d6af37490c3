"""Episodes: documents, samples, writing, recovery after a crash, quality, edits, and clips of them."""
