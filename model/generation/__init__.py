"""Generation of videos and a motion from an instruction: canvas, sampling, decoding, and the pipeline."""
