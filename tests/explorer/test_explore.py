"""What the Explore page says, besides what a browser shows."""

from explorer import session
from explorer.pages.explore import drawn


def test_random_says_how_it_draws_and_claims_no_prior() -> None:
    assert drawn(session.info("ae-2d").blocks) == "A code drawn at random: z from N(0, 1)"
    words = drawn(session.info("cvae").blocks)
    assert words == "A code drawn at random: z from N(0, 1), digit any of 10"
