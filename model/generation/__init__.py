"""From an instruction to videos and a motion: canvas, sampling, decoding, the pipeline over all of it."""
