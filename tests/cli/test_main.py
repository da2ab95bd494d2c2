"""How a command ends: with a hint for errors of ours, with a traceback for anything else."""

from collections.abc import Callable

import pytest

from monocoque.cli.main import run_command
from monocoque.contracts.errors import BusUnavailable, DiskFull

FULL = DiskFull("No room is left.")
FULL_AGAIN = DiskFull("No room is left.")
AWAY = BusUnavailable("The bus is away.")
SAID_FULL = f"{FULL.what}\n{FULL.hint}\n"
SAID_AWAY = f"{AWAY.what}\n{AWAY.hint}\n"


def raising(error: Exception) -> Callable[[], None]:
    """A command that ends with this error."""

    def command() -> None:
        raise error

    return command


def test_a_command_that_succeeds_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(lambda: None) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(FULL, SAID_FULL, id="one"),
        pytest.param(ExceptionGroup("", [FULL]), SAID_FULL, id="one-in-a-group"),
        pytest.param(ExceptionGroup("", [FULL, AWAY]), SAID_FULL + SAID_AWAY, id="two"),
        pytest.param(
            ExceptionGroup("", [AWAY, ExceptionGroup("", [FULL])]),
            SAID_AWAY + SAID_FULL,
            id="a-group-in-a-group",
        ),
        pytest.param(ExceptionGroup("", [FULL, FULL_AGAIN]), SAID_FULL, id="the-same-twice"),
    ],
)
def test_errors_of_ours_are_two_lines_each(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(raising(error)) == 1
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(KeyError("x"), id="one"),
        pytest.param(ExceptionGroup("", [FULL, KeyError("x")]), id="beside-one-of-ours"),
        pytest.param(
            ExceptionGroup("", [FULL, ExceptionGroup("", [KeyError("x")])]), id="deeper-in"
        ),
    ],
)
def test_a_defect_keeps_its_traceback(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(type(error)) as raised:
        run_command(raising(error))
    assert raised.value is error
    assert capsys.readouterr() == ("", "")
