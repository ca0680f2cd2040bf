"""The demo pages on a host that only runs the script and does not serve the app's routes."""

import demo

demo.main()
