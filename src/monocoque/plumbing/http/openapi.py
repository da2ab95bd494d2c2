"""Completes the OpenAPI document with what the edge knows about each route.

Rules: every operation tells its right (``x-right``), its sites (``x-sites``), who may call it
(``x-roles``, empty for anyone), its largest body and slowest answer (``x-limits``), and that every
failure has the body ``Problem``.
"""

from typing import Any

from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.problems import MEDIA_TYPE, Problem
from monocoque.plumbing.http.rules import Rules


def describe(
    document: dict[str, Any], rules: dict[str, Rules], config: HttpConfig
) -> dict[str, Any]:
    """The completed document.

    document: as the framework wrote it. rules: by method and path template.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema(mode="serialization")
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            _complete(operation, rules[f"{method.upper()} {path}"], config)
    return document


def _complete(operation: dict[str, Any], rules: Rules, config: HttpConfig) -> None:
    right = rules.right
    operation["x-right"] = right.name
    operation["x-sites"] = sorted(site.value for site in right.sites)
    operation["x-roles"] = sorted(role.value for role in right.roles)
    operation["x-limits"] = {
        "body_bytes_max": config.body_bytes_max
        if rules.body_bytes_max is None
        else rules.body_bytes_max,
        "answer_s_max": rules.answer_s_max or config.answer_s_max,
    }
    operation["responses"].pop("422", None)
    for response in operation["responses"].values():
        for content in response.get("content", {}).values():
            if "$ref" in content["schema"]:  # a model that the framework took for plain text
                content["schema"].pop("type", None)
    operation["responses"]["default"] = {
        "description": "Why it failed.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
