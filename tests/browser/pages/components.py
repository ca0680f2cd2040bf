"""The demo pages, served as the app is: one file for the server and the script."""

import demo
import streamlit as st

from explorer import assets

if __name__ == "__main__":
    demo.main()
else:
    assets.disable_nagle()
    app = st.App(__file__, routes=assets.routes())
