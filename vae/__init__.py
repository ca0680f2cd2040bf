"""Generative models of handwritten digits, written to be read. Start with `vae/models/vae.py`."""
