from benchmarks.published import THEIRS, reordered
from benchmarks.workload import user


def test_a_result_behind_that_of_a_later_event_of_its_key_is_out_of_order():
    assert reordered([0, 3, 1, 2, 4], keys=3) == 0  # 0 and 3, 1 and 4 have a key each
    assert reordered([3, 0, 1, 2, 4], keys=3) == 1


def test_one_key_is_in_order_only_when_all_are():
    assert reordered([0, 2, 1, 3], keys=1) == 1


def test_as_many_keys_as_the_set_up_has_are_as_many_users():
    assert len({user(number % keys) for keys in THEIRS for number in range(keys)}) == max(THEIRS)
