"""Parts of pages, one file each; a page composes them."""
