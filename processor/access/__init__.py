"""Who may do what: the company, its members and tokens, four roles and one table of permissions."""

from processor.access.company import Account, Company, Member, Token, company_errors, company_of, content_of
from processor.access.rights import allowed, apps_of, exceeding, needed
from processor.access.roles import ANY_APP, GRANTABLE, TABLE, Permission, Role
from processor.access.tokens import Minted, mint, token_allowed, token_of

__all__ = [
    "ANY_APP", "GRANTABLE", "TABLE", "Account", "Company", "Member", "Minted", "Permission", "Role", "Token",
    "allowed", "apps_of", "company_errors", "company_of", "content_of", "exceeding", "mint", "needed", "token_allowed",
    "token_of",
]
