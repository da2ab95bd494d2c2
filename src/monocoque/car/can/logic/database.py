"""The database of a bus (DBC): its messages and the bits of their fields.

Rules: a file with errors is refused with what is wrong and where; one whose messages merely overlap
or are too long for their frame is taken when the caller is lenient, since many in the field are.

Left out on purpose: other forms than DBC (KCD, SYM, ARXML), which convert to it.
"""

import re

from cantools.database import load_string
from cantools.database.can import Database
from cantools.database.errors import Error as CantoolsError

from monocoque.contracts.errors import CanDatabaseWrong

WHAT_CHARACTERS_MAX = 300
"""So much of what is wrong is repeated."""
_FAIL_WITH = (
    CantoolsError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What cantools raises at a file that it did not expect."""


def load_database(text: str, *, is_lenient: bool) -> Database:
    """The database of this text. Raises CanDatabaseWrong."""
    try:
        database = load_string(text, database_format="dbc", strict=not is_lenient)
    except _FAIL_WITH as error:
        what = re.sub(r"\s+", " ", str(error))[:WHAT_CHARACTERS_MAX] or type(error).__name__
        raise CanDatabaseWrong(f"The database of the bus cannot be read: {what}") from error
    if not isinstance(database, Database) or not database.messages:
        raise CanDatabaseWrong("The database of the bus has no message in it.")
    return database
