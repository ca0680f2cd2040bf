"""Latent Explorer: `streamlit run streamlit_app.py`.

This file has two roles. `streamlit run` imports it and serves `app`, whose script is the same file:
Streamlit runs it as __main__ for each visitor and each change. A host that only runs scripts never
imports it; the pages work there without the app's own routes.
"""

import streamlit as st

from explorer import assets

if __name__ == "__main__":
    from explorer.main import main

    main()
else:
    from starlette.middleware import Middleware

    from explorer import live
    from explorer.preload import Preload

    assets.disable_nagle()
    app = st.App(
        __file__, routes=[*assets.routes(), *live.routes()], middleware=[Middleware(Preload)]
    )
