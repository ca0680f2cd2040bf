"""Invariants of priors, grids, interpolation and planes."""

import numpy as np
import pytest

from vae import latent
from vae.latent import LatentBlock


def codes(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(count + size).standard_normal((count, size)).astype(np.float32)


@pytest.mark.parametrize(("size", "prior"), [(0, "normal"), (-1, "uniform"), (2, "gauss")])
@pytest.mark.usefixtures("unchecked")
def test_an_invalid_block_is_refused(size: int, prior: str) -> None:
    given: dict = {"prior": prior}
    with pytest.raises(ValueError, match=rf"block 'z' has (size {size} |prior '{prior}',)"):
        LatentBlock("z", size, **given)


class TestPrior:
    def test_normal(self) -> None:
        z = latent.sample_prior([LatentBlock("z", 3, "normal")], 20_000, seed=1)
        assert z.dtype == np.float32
        np.testing.assert_allclose(z.mean(0), 0, atol=0.03)
        np.testing.assert_allclose(np.cov(z.T), np.eye(3), atol=0.05)

    def test_uniform(self) -> None:
        z = latent.sample_prior([LatentBlock("c", 2, "uniform")], 20_000, seed=1)
        assert -1 <= z.min() < -0.99
        assert 0.99 < z.max() <= 1
        np.testing.assert_allclose(z.var(0), 1 / 3, atol=0.02)

    def test_categorical(self) -> None:
        z = latent.sample_prior([LatentBlock("digit", 10, "categorical")], 20_000, seed=1)
        assert set(np.unique(z)) == {0, 1}
        assert (z.sum(1) == 1).all()
        np.testing.assert_allclose(z.mean(0), 0.1, atol=0.02)

    def test_simplex(self) -> None:
        z = latent.sample_prior([LatentBlock("mix", 4, "simplex")], 20_000, seed=1)
        assert z.min() >= 0
        np.testing.assert_allclose(z.sum(1), 1, atol=1e-6)
        # the flat Dirichlet: mean 1/K, variance (K - 1) / (K^2 (K + 1))
        np.testing.assert_allclose(z.mean(0), 1 / 4, atol=0.01)
        np.testing.assert_allclose(z.var(0), 3 / 80, atol=0.003)

    def test_blocks_are_concatenated_in_order(self) -> None:
        blocks = [LatentBlock("a", 2, "normal"), LatentBlock("b", 10, "categorical")]
        z = latent.sample_prior(blocks, 5, seed=0)
        assert z.shape == (5, 12)
        assert (z[:, 2:].sum(1) == 1).all()

    def test_temperature_scales_normal_blocks_only(self) -> None:
        blocks = [LatentBlock("a", 2, "normal"), LatentBlock("b", 2, "uniform")]
        one, half, none = (latent.sample_prior(blocks, 9, 3, t) for t in (1.0, 0.5, 0.0))
        np.testing.assert_allclose(half[:, :2], one[:, :2] / 2, rtol=1e-6)
        assert not none[:, :2].any()
        np.testing.assert_array_equal(none[:, 2:], one[:, 2:])

    def test_the_seed_determines_the_result(self) -> None:
        blocks = [LatentBlock("z", 2, "normal")]
        first = latent.sample_prior(blocks, 4, seed=7)
        np.testing.assert_array_equal(first, latent.sample_prior(blocks, 4, seed=7))
        assert not np.array_equal(first, latent.sample_prior(blocks, 4, seed=8))

    @pytest.mark.parametrize(("count", "temperature"), [(0, 1.0), (-3, 1.0), (1, -0.5)])
    def test_invalid_counts_are_named(self, count: int, temperature: float) -> None:
        with pytest.raises(ValueError, match=f"{count} codes at the temperature {temperature}"):
            latent.sample_prior([LatentBlock("z", 2, "normal")], count, 0, temperature)


class TestGrid:
    def test_is_row_major_from_the_top_left(self) -> None:
        z = latent.grid(np.zeros(2), (0, 1), steps=4, ranges=(-1.0, 2.0, -10.0, 20.0)).reshape(
            4, 4, 2
        )
        assert z[0, 0].tolist() == [-1, 20], "top left"
        assert z[0, -1].tolist() == [2, 20], "top right"
        assert z[-1, 0].tolist() == [-1, -10], "bottom left"
        assert (np.diff(z[..., 0], axis=1) > 0).all(), "the first dimension grows to the right"
        assert (np.diff(z[..., 1], axis=0) < 0).all(), "the second grows upwards"

    def test_holds_the_other_dimensions(self) -> None:
        centre = codes(1, 5)[0]
        z = latent.grid(centre, (3, 1), steps=6)
        assert z.shape == (36, 5)
        np.testing.assert_array_equal(z[:, [0, 2, 4]], np.tile(centre[[0, 2, 4]], (36, 1)))
        assert (z[:, 3].min(), z[:, 3].max(), z[0, 1], z[-1, 1]) == (-3, 3, 3, -3)

    def test_needs_two_dimensions(self) -> None:
        with pytest.raises(ValueError, match="not 1 twice"):
            latent.grid(np.zeros(2), (1, 1))


def test_traversals_sweep_one_dimension_each() -> None:
    centre = codes(1, 4)[0]
    z = latent.traversals(centre, [2, 0], low=-2.0, high=2.0, steps=5)
    assert z.shape == (2, 5, 4)
    np.testing.assert_allclose(z[0, :, 2], [-2, -1, 0, 1, 2])
    np.testing.assert_allclose(z[1, :, 0], [-2, -1, 0, 1, 2])
    np.testing.assert_array_equal(np.delete(z[0], 2, 1), np.tile(np.delete(centre, 2), (5, 1)))


class TestPaths:
    @pytest.mark.parametrize("path", [latent.lerp, latent.slerp])
    @pytest.mark.parametrize("size", [2, 20])
    def test_both_ends_are_included(self, path, size: int) -> None:
        a, b = codes(2, size)
        z = path(a, b, 9)
        assert (z.shape, z.dtype) == ((9, size), np.float32)
        np.testing.assert_allclose(z[[0, -1]], [a, b], atol=1e-5)

    def test_lerp_goes_in_even_steps(self) -> None:
        a, b = codes(2, 3)
        np.testing.assert_allclose(
            np.diff(latent.lerp(a, b, 5), axis=0), np.tile((b - a) / 4, (4, 1)), rtol=1e-4
        )

    def test_slerp_keeps_the_norm_in_even_angles(self) -> None:
        a, b = (z / np.linalg.norm(z) * 3 for z in codes(2, 6))
        z = latent.slerp(a, b, 12)
        np.testing.assert_allclose(np.linalg.norm(z, axis=1), 3, rtol=1e-5)
        between = (z[1:] * z[:-1]).sum(1) / 9
        np.testing.assert_allclose(between, between[0], rtol=1e-4)

    @pytest.mark.parametrize("factor", [0.0, 1.0, 2.0, -1.0])
    def test_slerp_is_linear_where_the_arc_is_undefined(self, factor: float) -> None:
        a = codes(1, 4)[0]
        z = latent.slerp(a, factor * a, 7)
        assert np.isfinite(z).all()
        np.testing.assert_allclose(z, latent.lerp(a, factor * a, 7), atol=1e-5)


PLANES = {
    "coordinates": lambda: latent.coordinate_plane((3, 1), 5),
    "principal": lambda: latent.principal_plane(
        codes(200, 5) * [3, 1, 0.5, 2, 0.1] + [1, 2, 3, 4, 5]
    ),
}


@pytest.mark.parametrize("name", PLANES)
class TestPlanes:
    def test_moved_codes_project_to_the_target(self, name: str) -> None:
        plane, z, xy = PLANES[name](), codes(1, 5)[0], np.array([0.7, -1.9], np.float32)
        np.testing.assert_allclose(plane.project(plane.move(z, xy)[None])[0], xy, atol=1e-5)

    def test_a_move_keeps_the_orthogonal_part(self, name: str) -> None:
        plane, z = PLANES[name](), codes(1, 5)[0]
        change = plane.move(z, np.array([2.0, 3.0])) - z
        hidden = np.eye(5) - plane.axes.T @ plane.axes
        np.testing.assert_allclose(hidden @ change, 0, atol=1e-5)

    def test_a_move_to_the_own_projection_changes_nothing(self, name: str) -> None:
        plane, z = PLANES[name](), codes(1, 5)[0]
        np.testing.assert_allclose(plane.move(z, plane.project(z[None])[0]), z, atol=1e-5)

    def test_many_targets_give_what_each_gives(self, name: str) -> None:
        plane, z, xy = PLANES[name](), codes(1, 5)[0], codes(6, 2)
        each = np.stack([plane.move(z, one) for one in xy])
        np.testing.assert_allclose(plane.move(z, xy), each, atol=1e-6)

    def test_a_distance_is_that_of_the_orthogonal_part(self, name: str) -> None:
        plane, z, others = PLANES[name](), codes(1, 5)[0], codes(20, 5)
        hidden = np.eye(5) - plane.axes.T @ plane.axes
        away = np.linalg.norm((others - z) @ hidden, axis=1)
        np.testing.assert_allclose(plane.distance(others, z), away, atol=1e-3)
        within = plane.move(z, codes(20, 2))
        np.testing.assert_allclose(plane.distance(within, z), 0, atol=3e-3)

    def test_the_spread_is_that_of_projected_samples(self, name: str) -> None:
        plane, variance = PLANES[name](), np.array([4, 0.3, 1, 0.1, 2], np.float32)
        large, small, angle = plane.spread(variance)
        sample = np.random.default_rng(0).standard_normal((40_000, 5)) * np.sqrt(variance)
        along, across = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        shown = sample @ plane.axes.T
        assert (shown @ along).std() == pytest.approx(large, rel=0.02)
        assert (shown @ across).std() == pytest.approx(small, rel=0.02)
        assert np.mean((shown @ along) * (shown @ across)) == pytest.approx(0, abs=0.05)

    def test_axes_are_orthonormal(self, name: str) -> None:
        axes = PLANES[name]().axes
        np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-5)


def test_a_coordinate_plane_shows_its_two_dimensions() -> None:
    z = codes(8, 5)
    np.testing.assert_array_equal(latent.coordinate_plane((3, 1), 5).project(z), z[:, [3, 1]])


def test_the_principal_plane_keeps_most_variance() -> None:
    z = codes(400, 4) * np.array([0.1, 5, 0.2, 2], np.float32)
    shown = latent.principal_plane(z).project(z)
    assert shown.var(0).sum() >= z[:, [1, 3]].var(0).sum()
    assert shown[:, 0].var() > shown[:, 1].var()


@pytest.mark.parametrize("dims", [(1, 1), (0, 2), (-1, 0)])
def test_invalid_dimensions_of_a_plane_are_named(dims: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"not \("):
        latent.coordinate_plane(dims, 2)


def test_tsne_preserves_neighbours_and_is_deterministic() -> None:
    centres = np.repeat(np.eye(3, 5, dtype=np.float32) * 20, 40, axis=0)
    z = centres + 0.1 * codes(120, 5)
    flat = latent.tsne(z)
    assert (flat.shape, flat.dtype) == ((120, 2), np.float32)
    distances = np.linalg.norm(flat[:, None] - flat[None], axis=-1) + np.eye(120) * 1e9
    assert (distances.argmin(1) // 40 == np.arange(120) // 40).all()
    np.testing.assert_array_equal(flat, latent.tsne(z))


def test_dimensions_are_named_by_their_labels() -> None:
    blocks = [
        LatentBlock("style", 2, "uniform", labels=("slant", "")),
        LatentBlock("noise", 3, "uniform", role="noise"),
    ]
    assert latent.names(blocks) == ("z1 slant", "z2", "z3", "z4", "z5")
    assert latent.noise_dims(blocks) == (2, 3, 4)


def test_a_visit_starts_at_the_mean_with_a_draw_of_noise() -> None:
    blocks = [
        LatentBlock("style", 2, "normal"),
        LatentBlock("noise", 50, "normal", role="noise"),
    ]
    code = latent.first_code(blocks)
    assert code[:2].tolist() == [0, 0]
    assert 0.5 < code[2:].std() < 1.5
    np.testing.assert_array_equal(code, latent.first_code(blocks))
