from benchmarks.measure import ends_of, first_end, middle, window


def test_rate_and_cpu_are_taken_where_neither_start_nor_end_counts():
    assert window([0, 10, 20, 50, 85, 95, 100], 100) == (2, 5)


def test_a_run_that_never_gets_far_is_taken_to_its_last_sample():
    assert window([0, 20, 60, 60], 100) == (1, 3)


def test_two_processes_are_measured_until_the_first_partition_has_all_of_its_results():
    counts = [[0, 0], [5, 2], [9, 4], [10, 6], [10, 10]]
    assert first_end(counts) == 2  # from the next sample on, the owner of the first one may have nothing to do


def test_partitions_that_end_in_the_same_sample_are_measured_to_the_one_before():
    assert first_end([[0, 0], [5, 5], [10, 10]]) == 1


def test_the_second_half_begins_with_half_of_the_results():
    assert middle([[0, 0], [20, 20], [30, 25], [40, 40], [50, 50]], 100, last=3) == 2


def test_a_run_that_never_came_to_half_has_no_second_half():
    assert middle([[0, 0], [10, 10], [20, 20]], 100, last=2) == 2


def test_a_whole_run_reaches_from_before_the_first_result_to_the_last():
    assert ends_of([0, 0, 10, 50, 100, 100]) == (1, 4)
    assert ends_of([0, 0]) == (0, 0)
