"""The app with a live channel that replies immediately, without decoding: the reference for a drag.

The page, the websocket's route and the size of a reply are those of the app, so the two differ only
in decoding. Served by the benchmarks only.
"""

import json

import numpy as np
import streamlit as st

from explorer import assets
from explorer.renderers import image

if __name__ == "__main__":
    from explorer.main import main

    main()
else:
    from starlette.middleware import Middleware

    from explorer import live
    from explorer.preload import Preload

    class Echo(live.Channel):
        """Replies with the requested code and always the same picture."""

        def _submit(self, text: str, replies: live.LatestReply) -> None:
            request = json.loads(text)
            z = [*request.get("xy", ()), *request["z"]][: len(request["z"])]
            reply = {
                **{name: request.get(name) for name in ("serial", "by", "model", "sample")},
                "z": z,
                "caption": "echo",
                "cursor": z[:2],
                **PICTURE,
            }
            replies.put(json.dumps(reply))

    PICTURE = {
        **image.view(np.zeros((28, 28), np.uint8)),
        **{"shares": [0.1] * 10, "distance": 1.0, "decode_ms": 0.1, "hit_rate": 0.0},
    }
    assets.disable_nagle()
    app = st.App(
        __file__, routes=[*assets.routes(), *Echo().routes()], middleware=[Middleware(Preload)]
    )
