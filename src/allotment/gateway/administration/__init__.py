"""What stands behind the administration's pages: typed services, each behind a decided and recorded grant."""

from allotment.gateway.administration._administration import Administration, AdminParts
from allotment.gateway.administration._door import AdminGrant, AdminRefused, Door, require_admin
from allotment.gateway.administration._fault import AdminFault

__all__ = [
    "AdminFault",
    "AdminGrant",
    "AdminParts",
    "AdminRefused",
    "Administration",
    "Door",
    "require_admin",
]
