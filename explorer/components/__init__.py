"""Browser components: for each a Python module with `mount`, an ES module and a style sheet."""
