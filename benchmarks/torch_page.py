"""The least that waits for torch: a page that imports it and says so. A yardstick of the start."""

import streamlit as st
import torch

st.html(f'<div class="decoded-digit" data-code="0">torch {torch.__version__}</div>')
