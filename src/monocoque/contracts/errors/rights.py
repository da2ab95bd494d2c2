"""The caller may not do this; nothing was changed.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: who has which right, which is contracts/rights.py.
"""

from monocoque.contracts.errors.tree import MonocoqueError


class RightsError(MonocoqueError):
    """The caller may not do this; nothing was changed."""

    code = "rights_error"
    http_status = 403
    default_hint = "Ask somebody who has the right, or sign in as somebody who has."


class NotSignedIn(RightsError):
    """The request carries no session that is alive."""

    code = "not_signed_in"
    http_status = 401
    default_hint = "Sign in; `monocoque sign-in SITE --data DIR` prints a new link."


class NotAllowed(RightsError):
    """The session's roles do not have the right that the route names."""

    code = "not_allowed"


class SignInLinkSpent(RightsError):
    """The one-time link was used, is too old, or never existed."""

    code = "sign_in_link_spent"
    http_status = 401
    default_hint = "Run `monocoque sign-in SITE --data DIR` for a new link."


class PasskeyRefused(RightsError):
    """A passkey's answer does not hold, or its challenge was answered before or too late."""

    code = "passkey_refused"
    http_status = 401
    default_hint = (
        "Sign in with a link of `monocoque sign-in SITE --data DIR`, then add the passkey anew."
    )


class HomeCodeWrong(RightsError):
    """No home waits for this code: it was used, is too old, or never existed."""

    code = "home_code_wrong"
    default_hint = "Run `monocoque home code HOME_ID --data DIR` for a new code."


class CrossSiteRefused(RightsError):
    """A request that changes something came from another origin or without its token."""

    code = "cross_site_refused"
    default_hint = "Reload the page and do it again there."


class SiteUnknown(RightsError):
    """The Host header names none of our sites, or a route of another site."""

    code = "site_unknown"
    http_status = 421
    default_hint = "Open http://localhost with the port, and choose a door there."


class TopicRefused(RightsError):
    """This identity may not publish or read this topic."""

    code = "topic_refused"
    default_hint = "docs/protocol/topics.md says who publishes and who reads each topic."


class CredentialsRefused(RightsError):
    """The credentials are damaged, foreign or revoked."""

    code = "credentials_refused"
    http_status = 401
    default_hint = "Enrol again; credentials of another installation do not work here."
