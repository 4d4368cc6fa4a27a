"""Search of document sections under row policies: one table for all, a login for each agent."""

from allotment.databases.sections._front import SectionSearch
from allotment.databases.sections._hit import Hit
from allotment.databases.sections._refresher import Refresher
from allotment.databases.sections._sync import SyncReport

__all__ = ["Hit", "Refresher", "SectionSearch", "SyncReport"]
