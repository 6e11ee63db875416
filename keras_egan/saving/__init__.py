"""How a training is kept: files written whole, one named state, configuration, fingerprint."""
