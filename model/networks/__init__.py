"""Networks: transformer, video codecs, text encoder, frame decoder, and their size presets."""
