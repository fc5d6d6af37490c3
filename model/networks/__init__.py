"""The networks: transformer, video codecs, text encoder, frame decoder, and the sizes in which they come."""
