"""The demo pages on a host that only runs the script and serves none of our routes."""

import demo

demo.main()
