"""The arithmetic that the benchmarks' verdicts rest on."""

import pytest

from bench.measuring.figures import LEAK_BYTES_PER_REQUEST, grows, growth_per_request, latency, percentile, slope


def test_a_percentile_is_a_sample_by_nearest_rank() -> None:
    samples = [float(number) for number in range(1, 101)]

    assert (percentile(samples, 50), percentile(samples, 99), percentile(samples, 100)) == (50, 99, 100)


def test_the_slowest_percent_of_few_samples_is_the_slowest() -> None:
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0


def test_no_samples_are_an_error_not_a_zero() -> None:
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 50)


def test_latencies_are_told_in_milliseconds() -> None:
    found = latency([0.001, 0.002, 0.010])

    assert (found.count, found.p50_ms, found.p99_ms) == (3, 2.0, 10.0)


def test_the_slope_of_a_line_is_its_slope() -> None:
    assert slope([(0, 5.0), (1, 8.0), (2, 11.0)]) == pytest.approx(3.0)


def test_growth_while_caches_fill_is_not_held_against_a_worker() -> None:
    course = [(served, min(served, 500) * 10_000) for served in range(0, 1_000, 50)]

    assert growth_per_request(course) == 0


def test_a_leak_of_every_request_is_called_growth() -> None:
    leak = LEAK_BYTES_PER_REQUEST * 2
    course = [(served, 300_000_000 + served * leak) for served in range(0, 1_000, 50)]

    assert grows(growth_per_request(course))
    assert not grows(growth_per_request([(served, 300_000_000 - served) for served, _ in course]))
