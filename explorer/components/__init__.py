"""Browser components: a Python module with a `mount` command each, beside its script and style."""
