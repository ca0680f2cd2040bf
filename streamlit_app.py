"""Latent Explorer: `streamlit run streamlit_app.py`.

One file, read twice. `streamlit run` finds `app` and imports this module as the server; the server
then runs the same file as the script, under the name __main__, for each visitor and each change.
A host that only knows scripts never imports it, and the pages work all the same.
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

    assets.send_at_once()
    app = st.App(
        __file__, routes=[*assets.routes(), *live.routes()], middleware=[Middleware(Preload)]
    )
