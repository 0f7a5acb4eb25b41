"""Workspace by batch size: measured within reach, else on a straight line, with the real runs counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from core.forecast.predict import predict
from core.forecast.records import Workspace
from core.forecast.workspace import Estimates, Reach
from core.run.config import RunConfig
from core.run.timeline import Timeline

MIB = 2**20


@dataclass
class Machine:
    """A fake machine with given bytes of tensors and workspace for an update of B examples."""

    tensors_an_example: int = 1_000
    workspace: dict[int, int] = field(default_factory=dict)
    ran: list[int] = field(default_factory=list)

    def tensors(self, size: int) -> int:
        return self.tensors_an_example * size

    def needs(self, size: int) -> int:
        return self.workspace.get(size, 64 + 10 * size)

    def measure(self, size: int) -> list[Timeline]:
        self.ran.append(size)
        tensors = self.tensors(size)
        small = Timeline({"parameters": 8}, (), recorded_bytes=8, operations=(("aten.mm.default", 5),))
        large = Timeline(
            {"parameters": tensors}, (), tensors + self.needs(size), operations=((f"of {size}", self.needs(size)),)
        )
        return [small, large]

    def estimates(self, reach: Reach = Reach.NEAR, *, parameters: int = 1_000, most: int = 100_000) -> Estimates:
        return Estimates(self.measure, furthest=reach.furthest(self.tensors, parameters=parameters, most=most))


def test_without_reach_there_is_no_workspace_and_nothing_is_run() -> None:
    machine = Machine()
    estimates = machine.estimates(Reach.NONE)
    assert estimates.at(1) == estimates.at(5_000) == Workspace(0, verified=False)
    assert machine.ran == []


def test_within_reach_workspace_is_measured_with_its_operations() -> None:
    machine = Machine(workspace={700: 123_456})
    estimates = machine.estimates()
    operations = (("of 700", 123_456), ("aten.mm.default", 5))
    assert estimates.at(700) == Workspace(123_456, verified=True, operations=operations)
    assert estimates.at(700) == estimates.at(700, verify=False)  # not run again
    assert machine.ran == [700]


# 8 MiB of tensors are 8,388 examples of 1,000 bytes.


def test_reach_ends_where_tensors_no_longer_fit() -> None:
    machine = Machine()
    assert machine.estimates().at(8_388).verified
    assert not machine.estimates().at(8_389).verified
    far = Machine(tensors_an_example=MIB)  # 2 GiB
    assert far.estimates(Reach.FAR).at(2_048).verified
    assert not far.estimates(Reach.FAR).at(2_049).verified


@pytest.mark.parametrize(("reach", "parameters", "furthest"), [(Reach.NEAR, 200_000, 1_000), (Reach.FAR, 10**7, 5_000)])
def test_reach_ends_where_parameters_times_examples_take_too_long(reach: Reach, parameters: int, furthest: int) -> None:
    machine = Machine(tensors_an_example=1)
    assert machine.estimates(reach, parameters=parameters).at(furthest).verified
    assert not machine.estimates(reach, parameters=parameters).at(furthest + 1).verified


def test_beyond_reach_workspace_is_on_the_straight_line_through_the_two_largest() -> None:
    # The largest within reach, and half of it: 8,388 and 4,194.
    machine = Machine(workspace={8_388: 50_000, 4_194: 20_000})
    estimates = machine.estimates()
    assert estimates.at(8_388 + 4_194) == Workspace(
        80_000, verified=False, operations=(("of 8388", 50_000), ("aten.mm.default", 5))
    )
    assert estimates.at(8_388 + 1_398).bytes == 60_000
    assert sorted(machine.ran) == [4_194, 8_388]


def test_without_verification_workspace_is_interpolated_between_measured_sizes() -> None:
    machine = Machine(workspace={3: 1_000, 4_194: 20_000, 8_388: 50_000})
    estimates = machine.estimates()
    assert estimates.at(6_291, verify=False) == Workspace(
        35_000, verified=False, operations=(("of 8388", 50_000), ("aten.mm.default", 5))
    )
    below = estimates.at(2_000, verify=False)
    assert below.bytes == round(1_000 + 19_000 * (2_000 - 3) / (4_194 - 3))
    assert not below.verified
    assert sorted(machine.ran) == [3, 4_194, 8_388]


def test_an_estimate_is_never_negative() -> None:
    machine = Machine(workspace={8_388: 10, 4_194: 20_000})
    assert machine.estimates().at(100_000).bytes == 0


def test_one_example_is_run_even_if_it_is_beyond_reach() -> None:
    machine = Machine(tensors_an_example=9 * MIB, workspace={1: 777})
    estimates = machine.estimates()
    assert estimates.at(1) == Workspace(777, verified=True, operations=(("of 1", 777), ("aten.mm.default", 5)))
    assert estimates.at(50).bytes == 777
    assert machine.ran == [1]


def test_two_sizes_beyond_reach_are_run_if_an_estimate_needs_them() -> None:
    machine = Machine(workspace={2: 100, 3: 150})
    estimates = Estimates(machine.measure, furthest=0, least=(2, 3))
    assert estimates.at(10) == Workspace(500, verified=False, operations=(("of 3", 150), ("aten.mm.default", 5)))
    assert not estimates.reaches(10)
    assert estimates.reaches(3)  # it has been run
    assert sorted(machine.ran) == [2, 3]


def test_known_sizes_are_not_run_again() -> None:
    machine = Machine()
    seen = machine.measure(7)
    assert Estimates(machine.measure, furthest=0, known={7: seen}).at(7).bytes == 64 + 70
    assert machine.ran == [7]


def test_no_size_beyond_the_largest_is_run() -> None:
    machine = Machine()
    assert machine.estimates(most=10).at(10).verified
    assert machine.ran == [10]


def test_a_page_verifies_small_batches_and_a_command_larger_ones() -> None:
    config = RunConfig(model="cnn", batch_size=200)  # 10 MiB
    near, far = predict(config, reach=Reach.NEAR), predict(config, reach=Reach.FAR)
    assert (near.verified, far.verified) == (False, True)
    assert near.peak.tensor_bytes == far.peak.tensor_bytes
    assert near.peak.workspace_bytes == pytest.approx(far.peak.workspace_bytes, rel=0.1)
    none = predict(config, reach=Reach.NONE)
    assert (none.verified, none.peak.workspace_bytes, none.operations) == (False, 0, ())
