"""Money: an integer of the currency's smallest unit, and the currency.

Rules:

* amounts are whole numbers of minor units (cents, fen, yen); floats are refused by type;
* two currencies never meet in one operation;
* a share of an amount is rounded half up, away from zero, once per line, as
  docs/protocol/documents.md says for price lines.

Left out on purpose: display (the page does that, by locale) and exchange rates.
"""

from dataclasses import dataclass

from monocoque.contracts.errors import MoneyMismatch

MINOR_DIGITS = {"CNY": 2, "EUR": 2, "GBP": 2, "JPY": 0, "NOK": 2, "SEK": 2, "USD": 2}
"""ISO 4217 currencies that we take, and how many digits their minor unit has."""

BASIS_POINTS = 10_000


@dataclass(frozen=True, order=False, slots=True)
class Money:
    """An amount in minor units of one currency, such as ``Money(123_45, "EUR")``."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise MoneyMismatch("An amount is a whole number of minor units.")
        if self.currency not in MINOR_DIGITS:
            raise MoneyMismatch("The currency is not one that we take.")

    def __add__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def times(self, count: int) -> "Money":
        """The amount so many times."""
        return Money(self.amount_minor * count, self.currency)

    def share(self, basis_points: int) -> "Money":
        """A share in hundredths of a percent, rounded half up: ``share(1_900)`` is 19 %."""
        product = self.amount_minor * basis_points
        quotient, rest = divmod(abs(product), BASIS_POINTS)
        rounded = quotient + (1 if rest * 2 >= BASIS_POINTS else 0)
        return Money(rounded if product >= 0 else -rounded, self.currency)

    def _same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise MoneyMismatch(f"{self.currency} and {other.currency} do not add up.")


def total(lines: list[Money], currency: str) -> Money:
    """The sum of the lines; an empty list is zero of that currency."""
    result = Money(0, currency)
    for line in lines:
        result = result + line
    return result
