"""A small signal of which the oracles can compute everything by loops; the one place that knows the core's signatures."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest

from p31mg.core import signal
from p31mg.core.bins import BinModel, NormalEquations

Vector = npt.NDArray[np.floating]

COUPLINGS_HZ = ((), (16.0,), (15.0, 17.0))
WIDTH_RATIO = 1.5


def _ties() -> Vector:
    """p = T x: shifts relative to the first resonance, one width shared in a ratio."""
    ties = np.zeros((10, 9))
    ties[[0, 1, 2], 0] = 1.0
    ties[1, 1] = ties[2, 2] = 1.0
    ties[3, 3] = ties[4, 4] = 1.0
    ties[5, 4] = WIDTH_RATIO
    ties[[6, 7, 8, 9], [5, 6, 7, 8]] = 1.0
    return ties


@dataclass(frozen=True)
class SmallProblem:
    """Three resonances (singlet, doublet, doublet of doublets) in N points, with data that the model does not fit."""

    sampling: signal.Sampling
    lines: signal.LineStructure
    bins: npt.NDArray[np.integer]
    oracle_lines: list[tuple[int, float, float]]
    times: list[float]
    x: Vector
    data: npt.NDArray[np.complexfloating]

    def physical(self, x: Vector) -> Vector:
        """Tie by tie, without the matrix."""
        frequencies = [x[0], x[0] + x[1], x[0] + x[2]]
        return np.array([*frequencies, x[3], x[4], WIDTH_RATIO * x[4], *x[5:]])

    @property
    def transform(self) -> npt.NDArray[np.complexfloating]:
        """The data at the bins, as the core is given them."""
        return np.fft.fft(self.data)[self.bins]

    @property
    def energy(self) -> float:
        return float((np.abs(self.transform) ** 2).sum()) / self.sampling.n_points

    def evaluate(self, x: Vector, *, near: bool = False) -> NormalEquations:
        """The core's answer for this one problem: a batch of one."""
        model = BinModel(self.lines, self.sampling, self.bins)
        return model.evaluate(x[None], self.transform[None], np.array([near]))

    def curvatures(self, p: Vector) -> tuple[Vector, Vector]:
        """Expected and observed information of the parameters p themselves."""
        model = BinModel(replace(self.lines, ties=np.eye(len(p))), self.sampling, self.bins)
        at = model.evaluate(p[None], self.transform[None], np.array([True]))
        return at.information[0], at.hessian[0]


@pytest.fixture(scope="session")
def small_problem(oracles):
    """Make a `SmallProblem` with the given sampling; its data are another signal plus noise, so that residuals are large."""

    def make(
        n_points: int = 70, dwell_time_s: float = 2e-4, begin_time_s: float = 5e-4, bins: tuple[int, int] = (-20, 15)
    ) -> SmallProblem:
        oracle_lines = oracles.lines_of(COUPLINGS_HZ)
        resonance, offset, weight = (np.array(column) for column in zip(*oracle_lines, strict=True))
        times = oracles.times_s(n_points, dwell_time_s, begin_time_s)
        x = np.array([12.0, -130.0, 240.0, 9.0, 21.0, 1.0, 0.4, 0.3, 0.7])
        other = [15.0, -121.0, 250.0, 12.0, 25.0, 30.0, 1.3, 0.3, 0.5, 0.9]
        rng = np.random.default_rng(11)
        noise = rng.standard_normal((2, n_points))
        data = oracles.fid(other, oracle_lines, times) + 0.05 * (noise[0] + 1j * noise[1])
        for array in (x, data):
            array.flags.writeable = False
        each = np.arange(len(resonance))
        slope = np.zeros((len(each), 10), dtype=complex)
        slope[each, resonance], slope[each, 3 + resonance] = 2j * np.pi, -np.pi
        phase_slope = np.zeros((len(each), 10))
        phase_slope[:, 9] = 1.0
        return SmallProblem(
            sampling=signal.Sampling(n_points, dwell_time_s, begin_time_s),
            lines=signal.LineStructure(
                resonance, weight.astype(complex), 2j * np.pi * offset, slope, phase_slope, _ties()
            ),
            bins=np.arange(*bins),
            oracle_lines=oracle_lines,
            times=times,
            x=x,
            data=data,
        )

    return make
