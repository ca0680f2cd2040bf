"""Generative models of images and other samples. The file to read first is `vae/models/vae.py`."""
