"""Storage of a training: atomic files, one named state, configuration, fingerprint."""
