"""Playback of videos and motions in several views over one timeline."""
