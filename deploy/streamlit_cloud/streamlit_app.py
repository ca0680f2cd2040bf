"""The entry script for Streamlit Community Cloud: the app of ../../streamlit_app.py.

It has a folder of its own because Community Cloud takes the requirements file beside the script.
"""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

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
        ROOT / "streamlit_app.py",
        routes=[*assets.routes(), *live.routes()],
        middleware=[Middleware(Preload)],
    )
