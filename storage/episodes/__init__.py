"""Episodes: documents, samples, writing, crash recovery, quality, edits, and clips."""
