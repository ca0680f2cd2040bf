"""Parts of pages that are large enough for a room of their own; a panel draws, a page composes."""
