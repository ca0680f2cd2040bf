"""The app, with a live channel that answers at once instead of decoding: the yardstick of a drag.

The page, the websocket's route and the size of a reply are the app's, so what is left between the
two is the decode and all that it needs. Served by the benchmarks only.
"""

import json

import numpy as np
import streamlit as st

from explorer import assets, images

if __name__ == "__main__":
    from explorer.main import main

    main()
else:
    from starlette.middleware import Middleware

    from explorer import live
    from explorer.preload import Preload

    class Echo(live.Channel):
        """Replies with the code that was asked for and the same picture each time."""

        def _submit(self, text: str, replies: live.LatestReply) -> None:
            request = json.loads(text)
            z = [*request.get("xy", ()), *request["z"]][: len(request["z"])]
            reply = {
                **{name: request.get(name) for name in ("serial", "by", "model", "digit")},
                "z": z,
                "caption": "echo",
                "cursor": z[:2],
                **PICTURE,
            }
            replies.put(json.dumps(reply))

    PICTURE = images.decoded_json(np.zeros((28, 28), np.uint8), [0.1] * 10, 1.0, 0.1, 0.0)
    assets.disable_nagle()
    app = st.App(
        __file__, routes=[*assets.routes(), *Echo().routes()], middleware=[Middleware(Preload)]
    )
