"""The caller sent something that we cannot take; nothing was changed.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: messages on the bus and signed documents, which have files of their own.
"""

from monocoque.contracts.errors.tree import MonocoqueError


class InputError(MonocoqueError):
    """What was sent cannot be taken; nothing was changed."""

    code = "input_error"
    http_status = 400
    default_hint = "Correct what you sent; nothing was changed."


class IdentifierMalformed(InputError):
    """An identifier has not the form prefix, underscore, 26 lowercase Crockford characters."""

    code = "identifier_malformed"
    default_hint = "Copy the identifier whole, such as car_ followed by 26 characters."


class MoneyMismatch(InputError):
    """Two amounts of different currencies were combined."""

    code = "money_mismatch"
    default_hint = "Convert to one currency first, with a rate that is on record."


class RequestMalformed(InputError):
    """An HTTP request has not the shape that the OpenAPI document gives."""

    code = "request_malformed"
    http_status = 422
    default_hint = "Compare the request with the OpenAPI document at /api/openapi.json."


class RequestTooLarge(InputError):
    """An HTTP request is larger than its route allows."""

    code = "request_too_large"
    http_status = 413
    default_hint = "Send less at once."


class NotFound(InputError):
    """There is no such thing, or you may not know of it."""

    code = "not_found"
    http_status = 404
    default_hint = "Check the address or the identifier."


class MethodNotAllowed(InputError):
    """The address is right and the method is not one that it takes."""

    code = "method_not_allowed"
    http_status = 405
    default_hint = "The Allow header says which methods the address takes."


class WeekNotBuildable(InputError):
    """The production week lies in a year that vehicle identification numbers of ours cannot say."""

    code = "week_not_buildable"
    default_hint = "Compare the clocks of shop and factory; cars are built from 2010 to 2039."


class OptionUnknown(InputError):
    """The catalogue has no such option or market."""

    code = "option_unknown"
    default_hint = "Read the catalogue again; it says which options and markets there are."


class ConfigurationImpossible(InputError):
    """These options do not make a car that can be built; the rules say why."""

    code = "configuration_impossible"
    http_status = 422
    default_hint = "Ask for the least repair of these choices, and take it or choose again."


class SceneMalformed(InputError):
    """A scene, or an action of one, has not the form that the vocabulary gives."""

    code = "scene_malformed"
    http_status = 422
    default_hint = "Compare the scene with docs/protocol/scenes.md; nothing was changed."


class SceneWordUnknown(SceneMalformed):
    """A scene says a word that the vocabulary of scenes does not have."""

    code = "scene_word_unknown"
    default_hint = "docs/protocol/scenes.md has every word; what is not there, no scene can say."
