"""The demo pages as the app itself is served: one file for the server and the script."""

import demo
import streamlit as st

from explorer import web

if __name__ == "__main__":
    demo.main()
else:
    web.send_at_once()
    app = st.App(__file__, routes=web.routes())
