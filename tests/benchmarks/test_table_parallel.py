from benchmarks.table_parallel import against_parallel, published, with_parts

RUN = {"events_per_second": 10_000.0, "cpu_us": 80.0, "rss_mb": 600.0, "cores": 0.8, "late_per_second": 20_000.0,
       "late_cpu_us": 50.0, "whole_per_second": 7500.0, "whole_cpu_us": 120.0}
OURS = {"events_per_second": 15_000.0, "cpu_us": 60.0, "rss_mb": 150.0, "cores": 0.9, "late_per_second": 15_000.0,
        "late_cpu_us": 60.0, "whole_per_second": 15_000.0, "whole_cpu_us": 60.0}
TOOK = {"seconds": 2.0, "cpu_us": 50.0, "lost": 0, "repeated": 0, "reordered": 0}


def test_the_whole_run_and_its_second_half_have_rows_of_their_own():
    rows = with_parts({"Parallel Consumer": [RUN], "ceiling": [OURS]})
    assert list(rows) == ["Parallel Consumer", "Parallel Consumer, from its first result to its last",
                          "Parallel Consumer, second half", "ceiling"]
    whole = rows["Parallel Consumer, from its first result to its last"][0]
    assert (whole["events_per_second"], whole["cpu_us"], whole["cores"]) == (7500.0, 120.0, 0.9)
    half = rows["Parallel Consumer, second half"][0]
    assert (half["events_per_second"], half["cpu_us"], half["cores"]) == (20_000.0, 50.0, 1.0)


def test_the_processor_is_compared_with_the_whole_run_and_with_its_second_half():
    lines = against_parallel({"ceiling": [OURS], "processor, exactly_once": [OURS], "Parallel Consumer": [RUN]})
    assert lines[-1] == "| processor, exactly_once | 2.00 (0.75) | 0.50 (1.20) | 0.25 |"


def test_nothing_is_compared_where_parallel_consumer_took_no_part():
    assert against_parallel({"ceiling": [OURS], "processor, exactly_once": [OURS]}) == []


def test_each_row_of_case_h_is_compared_with_the_processor_at_as_many_keys():
    rows = [{"keys": 1, "candidate": "processor, exactly_once", "theirs": 26.743, "runs": [TOOK]},
            {"keys": 1, "candidate": "Parallel Consumer, core, 16 threads", "theirs": 26.743,
             "runs": [TOOK | {"seconds": 3.0, "reordered": 4}]}]
    assert list(published(rows))[-2:] == [
        "| 1 | processor, exactly_once | 2.00 / **2.00** / 2.00 | 1.00 | 50 | - | all there, in order |",
        "| 1 | Parallel Consumer, core, 16 threads | 3.00 / **3.00** / 3.00 | 1.50 | 50 | 26.743 | 4 out of order |"]
