"""The tables in docs/ that follow from the code: ``python docs/generate.py``.

A page has a pair of marks around each generated part, ``<!-- table: NAME -->`` and
``<!-- end of table -->``; what stands outside is written by hand. TABLES names every part, its page
and the function that writes it. ``--check`` writes nothing, and ends with 1 when a page is not what
would be written, or when a row of the code does not say what it means.

Left out on purpose: HTTP, whose OpenAPI document is generated from the routes.
"""

import ast
import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import typer

from monocoque.car.apps import logic as app_logic
from monocoque.car.guard import logic as guard
from monocoque.cli import settings
from monocoque.cli.signals import takes
from monocoque.cloud.campaigns.logic import rollout
from monocoque.contracts import apps, documents, errors, rights, scenes, signals, topics
from monocoque.contracts.arguments import Limits, Text, WholeNumber
from monocoque.shop.orders import logic as orders
from monocoque.shop.practice import logic as practice
from monocoque.sim import judges, sabotage

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src"
PROTO: Final = ROOT / "proto/monocoque/contracts/wire"
MESSAGE: Final = re.compile(
    r"((?://[^\n]*\n)*)^message (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL
)
FIELD: Final = re.compile(
    r"((?:[ ]*//[^\n]*\n)*)[ ]*((?:repeated |optional )?[\w.<>, ]+) (\w+) = (\d+)"
)


class Unsaid(Exception):
    """A row of the code does not say what it means."""


def table(head: str, rows: Iterator[list[str]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    names = head.split(" | ")
    lines = [f"| {head} |", "|" + "---|" * len(names)]
    for row in rows:
        cells = (" ".join(cell.replace("|", "\\|").split()) for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def code(text: object) -> str:
    """Text in the type of code."""
    return f"`{text}`"


def listed(values: Any) -> str:
    """The values of an enumeration's members, or of texts, in order of the alphabet."""
    return ", ".join(sorted(str(getattr(value, "value", value)) for value in values))


def comment(block: str) -> str:
    """The words of a block of ``//`` lines."""
    return " ".join(line.strip().removeprefix("//").strip() for line in block.splitlines())


# --- the tables -------------------------------------------------------------------------------


def topic_table() -> str:
    """Every row of contracts/topics."""
    parts = []
    for row in topics.TOPICS:
        retention = f" for {row.retention_s} s" if row.retention_s else ""
        parts += [
            f"### {code(row.name)}\n\n{row.purpose}\n",
            f"- message: {code(row.message.DESCRIPTOR.name)}",
            f"- published by: {listed(row.published_by)}; read by: {listed(row.read_by)}",
            f"- kept: {row.kept.value}{retention}",
            f"- size: at most {row.message_bytes_max} bytes a message",
            f"- rate: at most {row.rate_per_minute_max} a minute, of one publisher on one subject",
            f"- privacy: {row.privacy.value}\n",
        ]
    return "\n".join(parts).rstrip()


def message_table() -> str:
    """Every message of proto/, with its fields."""
    parts = []
    for path in sorted(PROTO.glob("[!k]*.proto")):  # not KUKSA's, which are theirs
        for above, name, body in MESSAGE.findall(path.read_text(encoding="utf-8")):
            parts.append(f"### {code(name)}\n")
            if above:
                parts.append(comment(above) + "\n")
            rows = (
                [n, code(field), code(kind.strip()), comment(said)]
                for said, kind, field, n in FIELD.findall(body)
            )
            parts.append(table("number | field | type | meaning", rows) + "\n")
    return "\n".join(parts).rstrip()


def interlock_table() -> str:
    """Every row of the guard."""

    def rows() -> Iterator[list[str]]:
        for row in guard.INTERLOCKS:
            if not row.forbids.__doc__:
                raise Unsaid(f"the interlock {row.action} {row.reason} does not say when")
            yield [code(row.action), code(row.reason), row.forbids.__doc__]

    return table("action | reason | refused when", rows())


def signal_table() -> str:
    """Every row of contracts/signals."""

    def rows() -> Iterator[list[str]]:
        for row in signals.SIGNALS:
            kind = f"{row.data_type.value}, {row.entry_type.value}"
            ours = " (ours)" if row.path in signals.NARROWER else ""
            yield [str(row.number), code(row.path), kind, row.unit, takes(row) + ours, row.purpose]

    return table("number | VSS path | type | unit | takes | meaning", rows())


def retired_table() -> str:
    """Every number that is given to no signal any more."""
    rows = (
        [str(each.number), code(each.path), each.unit, str(each.instead or "")]
        for each in signals.RETIRED
    )
    return table("number | path, then | unit | instead", rows)


def word_table() -> str:
    """Every word that a scene can say."""
    rows = (
        [
            code(name),
            row.done_by,
            "; ".join(f"{code(n)}: {limits_of(a)}" for n, a in row.arguments.items()) or "none",
            row.purpose,
        ]
        for name, row in scenes.ACTIONS.items()
    )
    return table("action | done by | arguments | meaning", rows)


def manifest_table() -> str:
    """The texts of an app's manifest."""
    rows = ([code(name), row.meaning] for name, row in apps.TEXTS.items())
    return table("member | is", rows)


def app_limit_table() -> str:
    """What an app may ask for."""
    node = ast.parse(inspect.getsource(apps.Limits)).body[0]
    assert isinstance(node, ast.ClassDef)
    said = _meanings(node, apps.__name__)
    rows = ([code(n), limits_of(row), said[n]] for n, row in apps.LIMITS.items())
    return table("limit | from and to | meaning", rows)


def app_state_table() -> str:
    """How an app can be, and what may follow."""
    rows = (
        [code(state.value), ", ".join(code(each) for each in listed(after).split(", "))]
        for state, after in app_logic.NEXT.items()
    )
    return table("state | may become", rows)


def app_reason_table() -> str:
    """Why a car ended an app."""
    rows = ([code(word), said] for word, said in app_logic.REASONS.items())
    return table("reason | means", rows)


def limits_of(argument: Limits) -> str:
    """What an argument may be, in words."""
    if isinstance(argument, WholeNumber):
        return f"{argument.minimum} to {argument.maximum}"
    if isinstance(argument, Text):
        return f"a text of at most {argument.characters_max} characters"
    return "true or false"


def role_table() -> str:
    """Who takes part on a bus, and what each may say and hear."""

    def rows() -> Iterator[list[str]]:
        for role in topics.Role:
            said = [code(row.name) for row in topics.TOPICS if role in row.published_by]
            heard = [code(row.name) for row in topics.TOPICS if role in row.read_by]
            yield [code(role.value), ", ".join(said) or "nothing", ", ".join(heard) or "nothing"]

    return table("role | publishes | reads", rows())


def document_table() -> str:
    """Every row of contracts/documents.py."""
    parts = []
    for row in documents.DOCUMENT_TYPES:
        lifetime = f"at most {row.lifetime_s_max} s" if row.expires else "for ever"
        parts += [
            f"### {code(row.typ)}\n\n{row.purpose}\n",
            f"- signed by: {row.signed_by}, with {listed(row.algorithms)}",
            f"- claims that must be there: {', '.join(map(code, sorted(row.claims)))}",
            f"- lives: {lifetime}\n",
        ]
    return "\n".join(parts).rstrip()


def error_table() -> str:
    """Every class of contracts/errors/, in the order of the tree."""

    def below(kind: type[errors.MonocoqueError]) -> Iterator[type[errors.MonocoqueError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from below(child)

    def rows() -> Iterator[list[str]]:
        seen: set[str] = set()
        for kind in below(errors.MonocoqueError):
            if kind.code in seen:
                raise Unsaid(f"{kind.__name__} has the code of another error: {kind.code}")
            seen.add(kind.code)
            yield [
                code(kind.code),
                str(kind.http_status),
                "yes" if kind.may_have_happened else "no",
                "yes" if kind.temporary else "no",
                (inspect.getdoc(kind) or "").partition("\n\n")[0],
                kind.default_hint,
            ]

    return table("code | HTTP | may have happened | temporary | meaning | hint", rows())


def right_table() -> str:
    """Every row of contracts/rights.py."""
    return table(
        "right | roles | sites | purpose",
        (
            [code(row.name), listed(row.roles) or "anyone", listed(row.sites), row.purpose]
            for row in rights.RIGHTS
        ),
    )


def setting_table() -> str:
    """Every limit of every feature's config.py."""
    parts = []
    sections: dict[type, str] = {kind: name for name, kind in settings.SECTIONS.items()}
    for path in sorted(SOURCE.glob("monocoque/**/config.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                kind = getattr(importlib.import_module(name), node.name)
                feature = name.removeprefix("monocoque.").removesuffix(".config")
                parts.append(
                    f"### {_section(sections.get(kind))}{code(node.name)}, in {code(feature)}\n\n"
                    f"{inspect.getdoc(kind)}\n"
                )
                rows = _setting_rows(kind, _meanings(node, name))
                parts.append(table("limit | default | meaning", rows) + "\n")
    return "\n".join(parts).rstrip()


def _section(name: str | None) -> str:
    """The place of a limit in a settings file: a section, none at the top, or nowhere."""
    if name is None:
        return "No setting: "
    return f"`[{name}]`: " if name else "No section: "


def _setting_rows(kind: Any, meanings: dict[str, str]) -> Iterator[list[str]]:
    for field in dataclasses.fields(kind):
        default: Any = field.default
        if default is dataclasses.MISSING:
            made: Any = field.default_factory
            default = "required" if made is dataclasses.MISSING else made()
        shown = "none" if default is None or default == {} else default
        yield [code(field.name), code(shown), meanings[field.name]]


def _meanings(node: ast.ClassDef, module: str) -> dict[str, str]:
    """The text below each field; a pair such as ``_min`` and ``_max`` may share one."""
    found: dict[str, str] = {}
    silent: list[str] = []
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=field)):
                silent.append(field)
            case ast.Expr(value=ast.Constant(value=str(text))) if silent:
                pair = len(silent) <= 2 and len({name.split("_")[0] for name in silent}) == 1
                if not pair:
                    break
                found |= dict.fromkeys(silent, text)
                silent = []
    if silent:
        raise Unsaid(f"{module}.{node.name}: no text below {silent[0]} says what it means")
    return found


OF_THE_SHELL: Final = {"help", "install_completion", "show_completion"}


def command_table() -> str:
    """Every command of the command line."""
    main = importlib.import_module("monocoque.cli.main")
    parts = []
    for path, command in _commands(typer.main.get_command(main.app), "monocoque"):
        if not command.help:
            raise Unsaid(f"{path} has no help")
        parts.append(f"### {code(path)}\n\n{inspect.cleandoc(command.help)}\n")
        shown = [each for each in command.params if each.name not in OF_THE_SHELL]
        rows = [_parameter(each, path) for each in shown]
        if rows:
            parts.append(table("argument | default | meaning", iter(rows)) + "\n")
    return "\n".join(parts).rstrip()


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name in sorted(getattr(command, "commands", {})):
        if not command.commands[name].hidden:
            yield from _commands(command.commands[name], f"{path} {name}")


def _parameter(parameter: Any, path: str) -> list[str]:
    said = getattr(parameter, "help", None)
    if not said:
        raise Unsaid(f"{path}: {parameter.name} has no help")
    name = (
        ", ".join(parameter.opts)
        if parameter.param_type_name == "option"
        else parameter.name.upper()
    )
    default = "required" if parameter.required else parameter.default
    described = getattr(parameter, "show_default", None)
    if isinstance(described, str):  # a value that is another one on each machine
        return [code(name), described, said]
    shown = "none" if default is None or callable(default) else default
    return [code(name), code(shown), said]


def order_table() -> str:
    """Every step of an order."""
    rows = (
        [
            code(before.value),
            code(event.value),
            code(step.state.value),
            ", ".join(code(effect.value) for effect in step.effects) or "nothing",
        ]
        for (before, event), step in orders.TABLE.items()
    )
    return table("state | event | state after it | what follows, in the same transaction", rows)


def campaign_table() -> str:
    """What each event does to a campaign."""
    rows = (
        [code(before), code(event), code(after)]
        for (before, event), after in rollout.TRANSITIONS.items()
    )
    return table("in state | event | leads to", rows)


def token_table() -> str:
    """Every token of the practice provider."""
    rows = ([code(name), row.purpose] for name, row in practice.BEHAVIOURS.items())
    return table("token | what it makes the provider do", rows)


def invariant_table() -> str:
    """What must hold in a world, and which of it can be sabotaged."""
    rows = (
        [code(name), meaning, "yes" if name in sabotage.SABOTAGES else ""]
        for name, meaning in judges.NAMES.items()
    )
    return table("name | what did not hold | `--sabotage`", rows)


TABLES: Final[tuple[tuple[str, str, Callable[[], str]], ...]] = (
    ("topics", "protocol/topics.md", topic_table),
    ("messages", "protocol/topics.md", message_table),
    ("signals", "protocol/signals.md", signal_table),
    ("retired", "protocol/signals.md", retired_table),
    ("interlocks", "protocol/guard.md", interlock_table),
    ("scenes", "protocol/scenes.md", word_table),
    ("manifest", "protocol/apps.md", manifest_table),
    ("app_limits", "protocol/apps.md", app_limit_table),
    ("app_states", "protocol/apps.md", app_state_table),
    ("app_reasons", "protocol/apps.md", app_reason_table),
    ("roles", "protocol/rights.md", role_table),
    ("rights", "protocol/rights.md", right_table),
    ("documents", "protocol/documents.md", document_table),
    ("errors", "protocol/errors.md", error_table),
    ("orders", "protocol/orders.md", order_table),
    ("tokens", "protocol/orders.md", token_table),
    ("campaigns", "protocol/campaigns.md", campaign_table),
    ("settings", "guide/settings.md", setting_table),
    ("commands", "guide/commands.md", command_table),
    ("invariants", "guide/worlds.md", invariant_table),
)
"""Every generated part: its name, its page and what writes it."""


def with_table(page: str, name: str, body: str) -> str:
    """The page with this part in place of what was between its marks."""
    begin, end = f"<!-- table: {name} -->", "<!-- end of table -->"
    before, mark, rest = page.partition(begin)
    _, second, after = rest.partition(end)
    if not mark or not second:
        raise Unsaid(f"no `{begin}` ... `{end}`")
    return f"{before}{begin}\n\n{body}\n\n{end}{after}"


def main() -> None:
    """See the module."""
    is_stale = False
    for name, where, write in TABLES:
        path = ROOT / "docs" / where
        page = path.read_text(encoding="utf-8")
        try:
            wanted = with_table(page, name, write())
        except Unsaid as finding:
            is_stale = True
            sys.stdout.write(f"docs/{where}: {finding}\n")
            continue
        if wanted != page and "--check" in sys.argv:
            is_stale = True
            sys.stdout.write(f"docs/{where}: its table of {name} is stale; run `make tables`\n")
        elif wanted != page:
            path.write_text(wanted, encoding="utf-8")
    sys.exit(is_stale)


if __name__ == "__main__":
    main()
