"""The demo pages where only the script is run: a host that serves it in its own way."""

import demo

demo.main()
