"""Check the data sets: their sizes, their contents, and the folders they are built into."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_moons
from sklearn.linear_model import LogisticRegression

from core.datasets import build as builder
from core.datasets.build import (
    BUILDERS,
    Arrays,
    build,
    digits,
    folder,
    linear,
    mixture,
    moons,
    noisy_digits,
    photos10k,
    resampled,
    spirals,
)
from core.run.choices.datasets import DATASETS, PLANE


@pytest.fixture(scope="module")
def photos() -> Arrays:
    return photos10k()


def test_the_registry_states_the_documented_sizes() -> None:
    assert {name: (spec.examples, spec.validation_examples) for name, spec in DATASETS.items()} == {
        "photos10k": (10_000, 2_000),
        "digits": (1_437, 360),
        "noisy-digits": (1_437, 360),
        "linear": (10_000, 2_000),
        "mixture": (2_048, 512),
        "moons": (2_000, 500),
        "spirals": (2_000, 500),
    }


def test_the_registry_distinguishes_images_from_points_in_the_plane() -> None:
    assert [name for name, spec in DATASETS.items() if spec.is_image] == ["photos10k", "digits", "noisy-digits"]
    assert [name for name, spec in DATASETS.items() if spec.is_plane] == ["moons", "spirals"]


@pytest.mark.parametrize("name", DATASETS)
def test_built_arrays_have_the_shapes_and_types_of_the_registry(name: str, tmp_path: Path) -> None:
    spec = DATASETS[name]
    built = build(name, tmp_path)
    for part, count in (("train", spec.examples), ("validation", spec.validation_examples)):
        inputs, targets = np.load(built / f"{part}_inputs.npy"), np.load(built / f"{part}_targets.npy")
        assert (inputs.dtype, inputs.shape) == (np.float32, (count, *spec.input_shape))
        if spec.task == "classification":
            assert (targets.dtype, targets.shape) == (np.int64, (count,))
            assert set(targets) == set(range(spec.outputs))
        else:
            assert (targets.dtype, targets.shape) == (np.float32, (count, spec.outputs))
        assert np.isfinite(inputs).all()


@pytest.mark.parametrize("name", BUILDERS)
def test_building_twice_gives_the_same_bits(name: str) -> None:
    first, second = BUILDERS[name](), BUILDERS[name]()
    for field in ("train_inputs", "train_targets", "validation_inputs", "validation_targets"):
        assert getattr(first, field).tobytes() == getattr(second, field).tobytes()


def test_another_seed_gives_other_data(photos: Arrays) -> None:
    assert not np.array_equal(photos10k(seed=1).train_inputs, photos.train_inputs)
    assert not np.array_equal(linear(seed=1).train_inputs, linear().train_inputs)
    assert not np.array_equal(mixture(seed=1).train_inputs, mixture().train_inputs)
    assert not np.array_equal(moons(seed=1).train_inputs, moons().train_inputs)
    assert not np.array_equal(spirals(seed=1).train_inputs, spirals().train_inputs)


@pytest.mark.parametrize("make", [digits, photos10k])
def test_no_scan_contributes_images_to_both_parts(make: Callable[[], Arrays]) -> None:
    arrays = make()
    assert arrays.train_origin is not None
    assert arrays.validation_origin is not None
    train, validation = set(arrays.train_origin.tolist()), set(arrays.validation_origin.tolist())
    assert train.isdisjoint(validation)
    assert (len(train), len(validation), len(train | validation)) == (1_437, 360, 1_797)


def test_every_image_has_the_label_of_its_scan(photos: Arrays) -> None:
    labels = load_digits().target
    assert np.array_equal(photos.train_targets, labels[photos.train_origin])
    assert np.array_equal(photos.validation_targets, labels[photos.validation_origin])


def test_every_scan_contributes_about_as_many_photos(photos: Arrays) -> None:
    assert set(np.unique(photos.train_origin, return_counts=True)[1]) == {6, 7}
    assert set(np.unique(photos.validation_origin, return_counts=True)[1]) == {5, 6}


def test_the_split_of_the_digits_is_stratified_to_within_one_scan() -> None:
    arrays, labels = digits(), load_digits().target
    validation = np.bincount(arrays.validation_targets)
    assert np.abs(validation - np.bincount(labels) * 360 / 1_797).max() < 1


def test_photos_have_every_label_about_equally_often(photos: Arrays) -> None:
    for targets in (photos.train_targets, photos.validation_targets):
        share = np.bincount(targets) / len(targets)
        assert share.min() > 0.09
        assert share.max() < 0.11


@pytest.mark.parametrize("make", [digits, photos10k])
def test_images_are_standardised_by_mean_and_deviation_of_the_training_part(make: Callable[[], Arrays]) -> None:
    arrays = make()
    assert arrays.train_inputs.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert arrays.train_inputs.std(dtype=np.float64) == pytest.approx(1, abs=1e-6)
    # Black has the same value everywhere in both parts, so pixels and parts share the same scalars.
    assert arrays.train_inputs.min() == arrays.validation_inputs.min()
    assert (arrays.train_inputs[:, 0, 0, 0] == arrays.train_inputs.min()).mean() > 0.9


def test_digits_are_the_scans_themselves() -> None:
    arrays, scans = digits(), load_digits().images
    expected = scans[arrays.train_origin] / 16
    expected = (expected - expected.mean()) / expected.std()
    assert np.allclose(arrays.train_inputs[:, 0], expected, atol=1e-6)


def flips(seed: int = 0) -> np.ndarray:
    """Return a 10 x 10 matrix of how many training labels of each class (row) became each class (column)."""
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (digits().train_targets, noisy_digits(seed).train_targets), 1)
    return counts


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_exactly_a_tenth_of_the_noisy_training_labels_differ(seed: int) -> None:
    assert (noisy_digits(seed).train_targets != digits().train_targets).sum() == 144
    assert np.trace(flips(seed)) == 1_437 - 144


def test_the_noisy_digits_otherwise_equal_the_digits() -> None:
    noisy, clean = noisy_digits(), digits()
    for field in ("train_inputs", "validation_inputs", "validation_targets", "train_origin", "validation_origin"):
        assert getattr(noisy, field).tobytes() == getattr(clean, field).tobytes()


def test_every_class_loses_and_gains_labels_to_and_from_several_others() -> None:
    wrong = flips() * (1 - np.eye(10, dtype=int))
    assert (wrong > 0).sum(axis=1).min() >= 3
    assert (wrong > 0).sum(axis=0).min() >= 3


@pytest.mark.slow
def test_labels_are_flipped_evenly_from_every_class_to_the_nine_others() -> None:
    seeds = 20
    found = sum(flips(seed) for seed in range(seeds))[~np.eye(10, dtype=bool)].reshape(10, 9)
    expected = (
        np.bincount(digits().train_targets)[:, None] * seeds * 144 / 1_437 / 9
    )  # each of the 90 cells expects about 32
    # Pearson's statistic has a mean of 89, its degrees of freedom, and twice that as variance.
    assert (((found - expected) ** 2) / expected).sum() < 89 + 5 * (2 * 89) ** 0.5


def test_another_seed_flips_other_labels() -> None:
    first, second = (noisy_digits(seed).train_targets != digits().train_targets for seed in (0, 1))
    assert 0 < (first & second).sum() < 40  # by chance 14.4 of the 144 labels are in both


@pytest.mark.slow
def test_a_linear_model_fits_every_digit_and_the_wrong_labels_give_its_loss_a_floor() -> None:
    assert least_loss(digits()) < 0.001
    assert 0.45 < least_loss(noisy_digits()) < 0.6


def least_loss(arrays: Arrays) -> float:
    """Return the lowest training loss of scikit-learn's linear model with almost no penalty on its weights."""
    inputs, targets = arrays.train_inputs.reshape(1_437, 64), arrays.train_targets
    answers = LogisticRegression(C=1e4, max_iter=20_000).fit(inputs, targets).predict_proba(inputs)
    return float(-np.log(answers[range(1_437), targets]).mean())


def test_photos_take_256_grey_values_at_most(photos: Arrays) -> None:
    values = np.unique(np.concatenate([photos.train_inputs.ravel(), photos.validation_inputs.ravel()]))
    assert 200 < len(values) <= 256
    steps = np.diff(values.astype(np.float64))
    assert np.allclose(steps / steps.min(), np.rint(steps / steps.min()), atol=1e-3)


def scan_of(image: np.ndarray) -> np.ndarray:
    return np.asarray(image, dtype=np.uint8)[None]


def still(angle: float = 0.0, scale: float = 1.0, down: float = 0.0, right: float = 0.0) -> tuple[np.ndarray, ...]:
    return np.zeros(1, dtype=np.int64), np.array([angle]), np.array([scale]), np.array([[down], [right]])


def test_resampling_agrees_with_scipy_for_any_rotation_scale_and_shift() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    scan = load_digits().images[7].astype(np.uint8)
    angle, scale, down, right = 0.2, 1.07, -0.3, 0.45
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    pixels = (np.arange(16) + 0.5) / 2 - 0.5
    rows, columns = np.meshgrid(pixels, pixels, indexing="ij")
    offsets = np.stack([rows.ravel() - 3.5 - down, columns.ravel() - 3.5 - right])
    expected = ndimage.map_coordinates(np.pad(scan.astype(float), 4), turn @ offsets + 3.5 + 4, order=1)
    images = resampled(scan_of(scan), *still(angle, scale, down, right))
    assert np.allclose(images[0].ravel(), expected, atol=1e-9)


def test_resampling_without_movement_is_a_plain_enlargement() -> None:
    ramp = np.tile(np.arange(8), (8, 1))
    image = resampled(scan_of(ramp), *still())[0]
    assert np.allclose(image[8, 1:15], np.arange(0.25, 7.25, 0.5))
    assert np.allclose(image[:, 8][1:15], image[8, 8])


def test_resampling_shifts_down_and_to_the_right() -> None:
    dot = np.zeros((8, 8))
    dot[3, 3] = 16
    image = resampled(scan_of(dot), *still(down=1.0, right=2.0))[0]
    weight = image / image.sum()
    assert (weight.sum(axis=1) @ np.arange(16)) == pytest.approx(2 * 4 + 0.5)
    assert (weight.sum(axis=0) @ np.arange(16)) == pytest.approx(2 * 5 + 0.5)


def test_photos_are_made_in_under_two_seconds() -> None:
    digits()  # excludes the import of scikit-learn
    start = time.perf_counter()
    photos10k()
    assert time.perf_counter() - start < 2


def test_least_squares_finds_the_true_weights_of_the_regression() -> None:
    arrays = linear()
    assert arrays.weights is not None
    solution, *_ = np.linalg.lstsq(arrays.train_inputs.astype(np.float64), arrays.train_targets[:, 0], rcond=None)
    # The narrowest direction has variance 1/32, so its standard error is sqrt(0.1 x 32 / 10,000) = 0.018.
    assert np.abs(solution - arrays.weights).max() < 5 * 0.018


def test_the_noise_is_the_loss_of_the_true_weights() -> None:
    arrays = linear()
    assert arrays.noise_variance == 0.1
    for inputs, targets in (
        (arrays.train_inputs, arrays.train_targets),
        (arrays.validation_inputs, arrays.validation_targets),
    ):
        residual = targets[:, 0] - inputs @ arrays.weights
        assert residual.var() == pytest.approx(0.1, rel=5 * (2 / len(residual)) ** 0.5)


def test_the_regression_has_curvatures_from_1_to_a_32nd() -> None:
    arrays = linear()
    expected = [1 / i for i in range(1, 33)]
    assert arrays.spectrum == pytest.approx(expected)
    covariance = np.cov(arrays.train_inputs.T.astype(np.float64))
    assert np.diag(covariance) == pytest.approx(expected, rel=5 * (2 / 10_000) ** 0.5)
    correlation = np.corrcoef(arrays.train_inputs.T.astype(np.float64)) - np.eye(32)
    assert np.abs(correlation).max() < 0.05


def test_the_regression_can_have_any_size() -> None:
    arrays = linear(examples=7, validation_examples=3)
    assert (arrays.train_inputs.shape, arrays.train_targets.shape) == ((7, 32), (7, 1))
    assert (arrays.validation_inputs.shape, arrays.validation_targets.shape) == ((3, 32), (3, 1))


def test_the_ground_truth_of_the_regression_is_saved_with_it(tmp_path: Path) -> None:
    built, arrays = build("linear", tmp_path), linear()
    assert np.array_equal(np.load(built / "optimum_weights.npy"), arrays.weights)
    assert np.array_equal(np.load(built / "spectrum.npy"), arrays.spectrum)
    assert float(np.load(built / "noise_variance.npy")) == 0.1


def within_classes(inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the 20 drawn inputs of every example minus the mean of its class."""
    drawn = inputs[:, :20].astype(np.float64)
    return drawn - class_means(drawn, targets)[targets]


def class_means(inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.array([inputs[targets == number, :20].mean(axis=0, dtype=np.float64) for number in range(10)])


def test_the_last_input_of_the_mixture_is_the_same_in_every_example() -> None:
    assert [name for name, spec in DATASETS.items() if spec.has_constant] == ["mixture"]
    for inputs in both_parts(mixture()):
        assert set(inputs[:, 20].tolist()) == {np.float32(20**-0.5)}
        assert (inputs[:, :20].std(axis=0) > 0.1).all()


def test_every_class_of_the_mixture_is_isotropic_with_variance_1_20() -> None:
    arrays = mixture()
    apart = within_classes(arrays.train_inputs, arrays.train_targets)
    freedom = 2_048 - 10
    covariance = 20 * apart.T @ apart / freedom
    assert np.diag(covariance) == pytest.approx(np.ones(20), rel=5 * (2 / freedom) ** 0.5)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 5 * freedom**-0.5
    # The fourth moment of a normal distribution is 3, with variance 96.
    assert ((20**0.5 * apart) ** 4).mean() == pytest.approx(3, abs=5 * (96 / apart.size) ** 0.5)


def test_every_seed_draws_other_means_of_the_mixture_with_variance_081() -> None:
    seeds = 40
    squares, strays = [], []
    for seed in range(seeds):
        arrays = mixture(seed)
        squares.append(20 * class_means(arrays.train_inputs, arrays.train_targets) ** 2)
        strays.append(1 / np.bincount(arrays.train_targets))  # variance of a sample mean around the true mean
    expected = 0.81 + np.mean(strays)
    assert np.mean(squares) == pytest.approx(expected, rel=5 * (2 / (seeds * 200)) ** 0.5)
    # The 200 means vary between seeds like independent draws. Shared means would not vary at all.
    assert np.std([each.mean() for each in squares]) > expected * (2 / 200) ** 0.5 / 2


def test_both_parts_of_the_mixture_have_the_same_means_and_no_example_in_common() -> None:
    arrays = mixture()
    train = class_means(arrays.train_inputs, arrays.train_targets)
    validation = class_means(arrays.validation_inputs, arrays.validation_targets)
    of_each = 1 / np.bincount(arrays.train_targets) + 1 / np.bincount(arrays.validation_targets)
    assert (np.abs(train - validation) < 5 * np.sqrt(of_each / 20)[:, None]).all()
    assert not {tuple(each) for each in arrays.train_inputs.tolist()} & {
        tuple(each) for each in arrays.validation_inputs.tolist()
    }


def test_classes_of_the_mixture_are_drawn_uniformly() -> None:
    counts = sum(np.bincount(mixture(seed).train_targets, minlength=10) for seed in range(10))
    assert counts.sum() == 20_480
    assert (((counts - 2_048) ** 2) / 2_048).sum() < 9 + 5 * (2 * 9) ** 0.5
    assert len(set(np.bincount(mixture().train_targets).tolist())) > 1  # random draws are not perfectly balanced


def test_the_start_of_the_linear_model_on_the_mixture_has_the_curvature_that_experiments_found() -> None:
    # With zero weights the largest curvature is that of the inputs divided by ten classes, and 2 / curvature bounds the
    # rate. An independent computation gave 84 over ten seeds; the deviation is about 10 for a seed, 3 for their mean.
    limits = []
    for seed in range(10):
        inputs = mixture(seed).train_inputs.astype(np.float64)
        limits.append(2 * 10 / np.linalg.eigvalsh(inputs.T @ inputs / 2_048).max())
    assert np.mean(limits) == pytest.approx(84, rel=0.1)


@pytest.mark.parametrize("make", [moons, spirals])
def test_half_of_the_points_are_of_either_class_in_both_parts(make: Callable[[], Arrays]) -> None:
    arrays = make()
    assert np.bincount(arrays.train_targets).tolist() == [1_000, 1_000]
    assert np.bincount(arrays.validation_targets).tolist() == [250, 250]


@pytest.mark.parametrize("make", [moons, spirals])
def test_no_point_is_in_both_parts(make: Callable[..., Arrays]) -> None:
    train, validation = ({tuple(point) for point in part.tolist()} for part in both_parts(make()))
    assert train.isdisjoint(validation)
    assert len(train | validation) == 2_500
    # They are not the same points with different noise either: two share one of some 30,000 steps only by chance.
    train, validation = ({tuple(point) for point in part.tolist()} for part in both_parts(make(noise=0)))
    assert len(train & validation) < 50


@pytest.mark.parametrize("make", [moons, spirals])
def test_every_point_lies_in_the_square_of_the_decision_boundary(make: Callable[[], Arrays]) -> None:
    assert PLANE == 2.5
    points = np.concatenate(both_parts(make()))
    assert np.abs(points).max() < PLANE - 0.25  # leaves room for a boundary around the points
    assert np.abs(points).max() > PLANE / 2  # wastes no space
    assert np.abs(points.mean(axis=0)).max() < 0.05


@pytest.mark.parametrize("make", [moons, spirals])
def test_points_lie_on_a_grid_of_ten_thousandths(make: Callable[[], Arrays]) -> None:
    for points in both_parts(make()):
        assert np.array_equal((np.rint(points.astype(np.float64) * 10_000) / 10_000).astype(np.float32), points)


def both_parts(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    return arrays.train_inputs, arrays.validation_inputs


def test_moons_without_noise_are_the_half_circles_of_scikit_learn_with_their_classes() -> None:
    arrays = moons(noise=0)
    theirs, classes = make_moons(n_samples=4_000, noise=None)
    for number in (0, 1):
        ours = arrays.train_inputs[arrays.train_targets == number] + np.array([0.5, 0.25])
        apart = np.linalg.norm(ours[:, None] - theirs[classes == number], axis=2)
        assert apart.min(axis=1).max() < 0.001  # scikit-learn's points are pi / 2,000 apart
        assert apart.min(axis=0).max() < 0.05  # these are pi / 1,000 apart on average and leave no gap


def test_moons_deviate_from_their_circles_by_015() -> None:
    arrays = moons()
    centres = np.array([[-0.5, -0.25], [0.5, 0.25]])[arrays.train_targets]
    strayed = np.linalg.norm(arrays.train_inputs - centres, axis=1) - 1
    assert strayed.std() == pytest.approx(0.15, rel=5 * (1 / (2 * 2_000)) ** 0.5)


def test_spirals_without_noise_are_two_arms_whose_angle_grows_with_the_radius() -> None:
    arrays = spirals(noise=0)
    radius = np.linalg.norm(arrays.train_inputs, axis=1)
    angle = radius / 2 * 1.75 * 2 * np.pi + np.pi * arrays.train_targets  # 1.75 turns up to a radius of 2
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    assert np.allclose(arrays.train_inputs, expected, atol=0.002)


def test_spirals_are_covered_evenly_from_the_centre_to_the_end() -> None:
    arrays = spirals(noise=0)
    for number in (0, 1):
        arm = arrays.train_inputs[arrays.train_targets == number].astype(np.float64)
        # The length of an Archimedean spiral up to an angle, in units of the radius per angle.
        angle = np.linalg.norm(arm, axis=1) / 2 * 1.75 * 2 * np.pi
        length = (angle * np.sqrt(1 + angle**2) + np.arcsinh(angle)) / 2
        counts, _ = np.histogram(length, bins=10, range=(0, length.max()))
        assert np.abs(counts - 100).max() < 5 * 90**0.5


def test_no_straight_line_separates_the_spirals_and_one_nearly_separates_the_moons() -> None:
    assert 0.6 < best_line(spirals()) < 0.7
    assert 0.85 < best_line(moons()) < 0.9


def best_line(arrays: Arrays) -> float:
    """Return the best accuracy on the training points of straight lines at whole degrees."""
    signs, shares = arrays.train_targets * 2 - 1, []
    for angle in np.radians(range(180)):
        across = arrays.train_inputs @ np.array([np.cos(angle), np.sin(angle)])
        ahead = np.abs(np.cumsum(signs[np.argsort(across)]))  # either class may be on the near side of the line
        shares.append(0.5 + ahead.max() / len(signs))
    return max(shares)


@pytest.mark.parametrize(("make", "share"), [(moons, 0.98), (spirals, 0.99)])
def test_nearest_neighbours_show_the_accuracy_of_a_curved_boundary(make: Callable[[], Arrays], share: float) -> None:
    arrays = make()
    apart = np.linalg.norm(arrays.validation_inputs[:, None] - arrays.train_inputs, axis=2)
    nearest = arrays.train_targets[np.argsort(apart, axis=1)[:, :5]]
    found = nearest.mean(axis=1) > 0.5
    assert (found == arrays.validation_targets).mean() > share


def test_a_folder_is_named_after_the_data_set_and_its_version(tmp_path: Path) -> None:
    assert folder("digits", tmp_path) == tmp_path / "digits-v1"
    assert build("digits", tmp_path) == tmp_path / "digits-v1"
    assert sorted(path.name for path in (tmp_path / "digits-v1").iterdir()) == [
        "train_inputs.npy",
        "train_targets.npy",
        "validation_inputs.npy",
        "validation_targets.npy",
    ]


def test_a_second_build_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build("linear", tmp_path)
    before = {path: path.stat().st_mtime_ns for path in built.iterdir()}
    monkeypatch.delitem(BUILDERS, "linear")
    assert build("linear", tmp_path) == built
    assert {path: path.stat().st_mtime_ns for path in built.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["linear-v1"]


def test_a_build_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def save_one_then_fail(path: Path, array: np.ndarray) -> None:
        Path(path).write_bytes(b"half a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(builder.np, "save", save_one_then_fail)
    with pytest.raises(OSError, match="no space left"):
        build("linear", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_files_become_visible_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save, written = np.save, set()

    def save_and_look(path: Path, array: np.ndarray) -> None:
        save(path, array)
        written.add(path.stat().st_ino)
        assert not folder("linear", tmp_path).exists()

    monkeypatch.setattr(builder.np, "save", save_and_look)
    built = build("linear", tmp_path)
    # The files were moved, not copied.
    assert {path.stat().st_ino for path in built.iterdir()} == written


def test_the_slower_of_two_builders_keeps_the_folder_of_the_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = linear()

    def overtaken() -> Arrays:
        monkeypatch.setitem(BUILDERS, "linear", lambda: arrays)
        inode.append(build("linear", tmp_path).stat().st_ino)
        return arrays

    inode: list[int] = []
    monkeypatch.setitem(BUILDERS, "linear", overtaken)
    assert build("linear", tmp_path).stat().st_ino == inode[0]
    assert [path.name for path in tmp_path.iterdir()] == ["linear-v1"]


@pytest.mark.slow
def test_processes_that_build_at_once_all_get_a_complete_folder(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        built = pool.starmap(build, [("linear", tmp_path)] * 4, chunksize=1)
    assert built == [tmp_path / "linear-v1"] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["linear-v1"]
    assert len(list(built[0].iterdir())) == 7
