"""A page that imports torch and shows its version: the reference for the start."""

import streamlit as st
import torch

st.html(f'<div class="decoded-sample" data-code="0">torch {torch.__version__}</div>')
