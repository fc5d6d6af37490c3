"""Videos of episodes: H.264 in fragmented MP4, written while recording and read frame by frame."""
