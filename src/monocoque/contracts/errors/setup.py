"""The machine, or a setting, is not as it must be.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: what a running cell may meet later, which is unavailable or storage.
"""

from monocoque.contracts.errors.tree import MonocoqueError


class SetupError(MonocoqueError):
    """The machine, or a setting, is not as it must be."""

    code = "setup_error"


class PortInUse(SetupError):
    """Another program listens on the port."""

    code = "port_in_use"
    default_hint = "Stop the other program, or choose another --port."


class SettingInvalid(SetupError):
    """A setting has a value that it cannot have, or a name that does not exist."""

    code = "setting_invalid"
    default_hint = "`monocoque doctor` shows every setting, its value and where it came from."


class RoleUnknown(SetupError):
    """No row of roles/table.py has this role."""

    code = "role_unknown"
    default_hint = "`monocoque run --help` lists the roles."


class ServerMissing(SetupError):
    """A server program that comes with the installation is not there."""

    code = "server_missing"
    default_hint = "Run `make setup`, or install the package again."


class ServerFailed(SetupError):
    """A server that we supervise does not start."""

    code = "server_failed"
    default_hint = "Read its log in the data directory's run folder."


class ClockWentBack(SetupError):
    """The wall clock is earlier than times that are already on record."""

    code = "clock_went_back"
    temporary = True
    default_hint = "Set the clock by a time source; times on record are not changed."


class PagesMissing(SetupError):
    """The web pages were not built into this installation."""

    code = "pages_missing"
    default_hint = "Run `make web`, which builds them."


class PagesAltered(SetupError):
    """The web pages are not the ones that were released with this version."""

    code = "pages_altered"
    default_hint = "Run `make web`, or install the package again from a source that you trust."


class CatalogueContradicts(SetupError):
    """Rules of the catalogue contradict each other; nothing can be sold by it."""

    code = "catalogue_contradicts"
    default_hint = (
        "Change one of the rules that are named; the rest of the catalogue is not to blame."
    )


class CatalogueMalformed(SetupError):
    """The catalogue lacks something, or names what it does not have."""

    code = "catalogue_malformed"
    default_hint = "Correct the file of the catalogue at the place that is named."
