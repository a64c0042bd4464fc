"""What happened of late and what waits, kept small: outcomes and open chains, followed in the background."""

from console.activity.chains import Chains
from console.activity.feed import Activity
from console.activity.outcomes import OutcomeFilter, Outcomes, Row
from console.activity.synced import Share, Synced

__all__ = ["Activity", "Chains", "OutcomeFilter", "Outcomes", "Row", "Share", "Synced"]
