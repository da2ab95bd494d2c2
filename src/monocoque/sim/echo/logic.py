"""What the answerer decides about a question."""

import enum


class Verdict(enum.Enum):
    """What to do with one question."""

    NEW = "deal with it, then answer"
    KNOWN = "answer again"
    EARLY = "one before it is missing: let it come again later"


def judge(last_sequence: int, sequence: int) -> Verdict:
    """The verdict, when the last question dealt with had ``last_sequence`` (0 for none).

    A durable consumer that dies with messages in hand gets later ones first, so order has to be
    kept here.
    """
    if sequence <= last_sequence:
        return Verdict.KNOWN
    return Verdict.NEW if sequence == last_sequence + 1 else Verdict.EARLY
