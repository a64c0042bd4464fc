"""What waits, for what and since when, and for one event why: from the durable records of open chains."""

from processor.waiting.account import Account, account
from processor.waiting.place import Waiting, where
from processor.waiting.reading import Wanted, read_event, read_summary
from processor.waiting.tally import Group, Tally

__all__ = ["Account", "Group", "Tally", "Waiting", "Wanted", "account", "read_event", "read_summary", "where"]
