"""The app with inversions that go on until a visitor stops them."""

from explorer import main
from vae import inversion

inversion.SETTINGS = inversion.Settings(candidates=50, starts=4, steps=1_000_000)
main.main()
