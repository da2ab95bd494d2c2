"""HTTP routes of the configurator: the catalogue, why something cannot be had, the least repair.

Left out on purpose: prices and what is possible at once, which shop/quotes answers together.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from monocoque.contracts.rights import CONFIGURE_CAR
from monocoque.plumbing.http.rules import needs
from monocoque.shop.configurator.logic.catalogue import Catalogue
from monocoque.shop.configurator.logic.engine import Engine, Explanation

KEY_CHARACTERS_MAX = 64
CHOICES_MAX = 100
Key = Annotated[str, Field(min_length=1, max_length=KEY_CHARACTERS_MAX)]
Choices = Annotated[
    list[Key],
    Query(
        alias="choice",
        max_length=CHOICES_MAX,
        description="options that were chosen, repeated: `choice=tow-bar&choice=roof-glass`",
    ),
]
Wish = Annotated[Key, Query(description="the option that is wished for")]
MarketKey = Annotated[Key, Query(description="a market of the catalogue, such as `DE`")]


class CatalogueOption(BaseModel):
    """Something that can be chosen."""

    key: str = Field(examples=["tow-bar"])
    name: str = Field(examples=["Tow bar"])
    is_default: bool = Field(description="what a car has in this group when nothing is said")
    prices_minor: dict[str, int] = Field(description="by market, without tax, in minor units")


class CatalogueGroup(BaseModel):
    """Options that answer one question."""

    key: str = Field(examples=["wheels"])
    name: str
    kind: str = Field(description="`exactly_one`, or `free`: any number")
    options: list[CatalogueOption]


class CatalogueRule(BaseModel):
    """Who has all of `when` needs one of `needs_any`, or has none of `excludes`."""

    key: str = Field(description="by which a page translates the sentence")
    sentence: str = Field(description="why, in English")
    when: list[str]
    needs_any: list[str]
    excludes: list[str]


class CatalogueMarket(BaseModel):
    """Where a car is sold."""

    key: str = Field(examples=["DE"])
    name: str
    currency: str = Field(examples=["EUR"])
    tax_name: str
    tax_basis_points: int = Field(description="hundredths of a percent")
    base_minor: int = Field(description="the car without options, without tax")
    destination_minor: int = Field(description="a line that every car bears, without tax")


class CatalogueShown(BaseModel):
    """What is for sale now."""

    version: str = Field(examples=["arden-7.2026-11"])
    model: str
    name: str
    groups: list[CatalogueGroup]
    rules: list[CatalogueRule]
    markets: list[CatalogueMarket]


class ReasonShown(BaseModel):
    """A rule, or a group's question."""

    key: str
    sentence: str


class ExplanationShown(BaseModel):
    """Rules and choices that cannot all be; none can be left out of it."""

    reasons: list[ReasonShown]
    choices: list[str]


class ExplanationAnswer(BaseModel):
    """Why a wish cannot be had."""

    wish: str
    is_possible: bool
    explanation: ExplanationShown | None = Field(description="null when it can be had")


class Explanations(BaseModel):
    """Why each option cannot be had that cannot be had; those that can are left out."""

    explanations: list[ExplanationAnswer] = Field(
        description="in order of the alphabet; none when the choices themselves are in conflict"
    )


class RepairShown(BaseModel):
    """The least change that makes a car of the choices, and keeps the wish."""

    given_up: list[str] = Field(description="choices that cannot stay")
    added: list[str] = Field(description="what the whole car has beside the choices")
    options: list[str] = Field(description="the whole car; take it as the new choices")


def routes(engine: Engine) -> APIRouter:
    """The routes, on this engine."""
    router = APIRouter(tags=["shop"])
    shown = _shown(engine.catalogue)

    @router.get("/api/shop/catalogue")
    @needs(CONFIGURE_CAR)
    async def read_catalogue() -> CatalogueShown:
        """What is for sale now: groups, options, rules, markets."""
        return shown

    @router.get("/api/shop/explanation")
    @needs(CONFIGURE_CAR)
    async def explain_option(wish: Wish, choices: Choices = []) -> ExplanationAnswer:  # noqa: B006
        """Why this option cannot be had with these choices; a minimal set of rules and choices."""
        found = engine.why_not(choices, wish)
        explained = None if found is None else explanation_shown(found)
        return ExplanationAnswer(wish=wish, is_possible=found is None, explanation=explained)

    @router.get("/api/shop/explanations")
    @needs(CONFIGURE_CAR)
    async def explain_options(choices: Choices = []) -> Explanations:  # noqa: B006
        """Why not, of every option that cannot be had with these choices, in one answer."""
        found = engine.possibilities(choices)
        wishes = () if found.conflict else sorted({*engine.catalogue.options} - {*found.possible})
        explained = ((wish, engine.why_not(choices, wish)) for wish in wishes)
        return Explanations(
            explanations=[
                ExplanationAnswer(wish=wish, is_possible=False, explanation=explanation_shown(why))
                for wish, why in explained
                if why is not None
            ]
        )

    @router.get("/api/shop/repair")
    @needs(CONFIGURE_CAR)
    async def repair_choices(
        market: MarketKey,
        wish: Annotated[Key | None, Query(description="an option that is kept")] = None,
        choices: Choices = [],  # noqa: B006
    ) -> RepairShown:
        """The fewest choices to give up, so that the wish can be had; completed to a whole car."""
        found = engine.repair(choices, wish, market)
        return RepairShown(
            given_up=list(found.given_up), added=list(found.added), options=list(found.options)
        )

    return router


def explanation_shown(found: Explanation) -> ExplanationShown:
    """An explanation as a page is shown it."""
    return ExplanationShown(
        reasons=[ReasonShown(key=it.key, sentence=it.sentence) for it in found.reasons],
        choices=list(found.choices),
    )


def _shown(catalogue: Catalogue) -> CatalogueShown:
    return CatalogueShown(
        version=catalogue.version,
        model=catalogue.model,
        name=catalogue.name,
        groups=[
            CatalogueGroup(
                key=group.key,
                name=group.name,
                kind=group.kind.value,
                options=[
                    CatalogueOption(
                        key=option.key,
                        name=option.name,
                        is_default=option.is_default,
                        prices_minor=dict(option.prices_minor),
                    )
                    for option in catalogue.members(group.key)
                ],
            )
            for group in catalogue.groups
        ],
        rules=[
            CatalogueRule(
                key=rule.key,
                sentence=rule.sentence,
                when=list(rule.when),
                needs_any=list(rule.needs_any),
                excludes=list(rule.excludes),
            )
            for rule in catalogue.rules
        ],
        markets=[
            CatalogueMarket(
                key=market.key,
                name=market.name,
                currency=market.currency,
                tax_name=market.tax_name,
                tax_basis_points=market.tax_basis_points,
                base_minor=market.base_minor,
                destination_minor=market.destination_minor,
            )
            for market in catalogue.markets.values()
        ],
    )
