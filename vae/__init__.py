"""Generative models of handwritten digits. The file to read first is `vae/models/vae.py`."""
