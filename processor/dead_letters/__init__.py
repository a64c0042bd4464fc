"""Dead letters: found, understood, replayed, closed, exported.

`Desk` is the whole of it as a Python API; the commands stand on it, and so can a console.
"""

from processor.audit.record import Actor, actor
from processor.dead_letters.desk import Desk, DeskError, Report
from processor.dead_letters.index import Entry, Group
from processor.dead_letters.judging import Options
from processor.dead_letters.looking import Look, Tally
from processor.dead_letters.runs import Plan, Run
from processor.dead_letters.selection import STATES, Selection, moment

__all__ = ["STATES", "Actor", "Desk", "DeskError", "Entry", "Group", "Look", "Options", "Plan", "Report", "Run",
           "Selection", "Tally", "actor", "moment"]
