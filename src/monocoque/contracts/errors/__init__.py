"""The one error tree.

Every failure that leaves a function of ours is one of these classes. Each class answers the four
questions that a caller, a page or a log line has:

* ``code``: the fixed word on the wire, never renamed, never reused;
* ``may_have_happened``: could the effect have taken place although this error came back?
* ``temporary``: may the very same call succeed later, unchanged?
* ``hint``: what a person can do now.

Rules: a family has a file; every error is imported from this package, where each has a line below
and a place in the drawing. A class whose answers differ from its parent's overrides them.

The tree::

    MonocoqueError
    ├── InputError                 the caller sent something we cannot take
    │   ├── IdentifierMalformed
    │   ├── MoneyMismatch
    │   ├── RequestMalformed, RequestTooLarge
    │   ├── NotFound, MethodNotAllowed
    │   ├── WeekNotBuildable
    │   ├── OptionUnknown, ConfigurationImpossible
    │   ├── ReleaseUnknown, CampaignSelectsNobody
    │   ├── SignalUnknown, SignalValueRefused, SignalNotActuator
    │   ├── AppRefused             an app of the car, or its package
    │   │   ├── AppMalformed, AppTooLarge, AppAltered
    │   │   └── AppMarketWrong, AppSignalUnknown, AppAsksTooMuch
    │   ├── CanDatabaseWrong, CanMappingWrong, CanFrameBroken, CanTargetRefused
    │   ├── CanLogFormatUnknown, CanLogBroken
    │   ├── SceneMalformed
    │   │   └── SceneWordUnknown
    │   ├── MessageRefused         on the bus
    │   │   ├── MessageMalformed, MessageTooLarge, MessageVersionUnknown
    │   │   ├── MessageFromTheFuture, MessageExpired
    │   │   └── SceneRequestRefused, HomeWordRefused
    │   ├── TopicUnknown
    │   ├── DocumentRefused        a signed document
    │   │   ├── DocumentMalformed, DocumentTooLarge, DocumentTypeUnknown
    │   │   ├── AlgorithmRefused, SignatureInvalid, KeyUnknown, CriticalClaimUnknown
    │   │   ├── DocumentExpired, DocumentNotYetValid, DocumentAudienceWrong, DecryptionFailed
    │   │   ├── GrantRefused, HandOverProofWrong
    │   │   ├── ScopeUnknown, ArgumentsWrong, LogBroken
    │   │   └── ManifestReplayed, InventoryChanged, ReportContradicts
    │   └── UpdateRefused          a release, an image, or the metadata about them
    │       ├── UpdateMalformed, UpdateTooLarge, UpdateAltered, UpdateOlder, UpdateExpired
    │       └── UpdateThresholdUnmet, UpdateHardwareWrong, UpdateUnfit
    ├── RightsError                the caller may not do this
    │   ├── NotSignedIn, NotAllowed, SignInLinkSpent, PasskeyRefused
    │   ├── HomeCodeWrong
    │   ├── CrossSiteRefused, SiteUnknown
    │   ├── AppPublisherUnknown
    │   ├── SignalDenied
    │   ├── SignalTokenRefused
    │   │   └── SignalTokenExpired
    │   ├── TopicRefused
    │   └── CredentialsRefused
    ├── LimitError                 a named limit was reached
    │   ├── TooManyRequests
    │   ├── QueueFull, MailboxFull
    │   ├── HandOverTriesSpent
    │   ├── HomeCodeTriesSpent, HomesFull
    │   ├── SignalClientsFull
    │   ├── VinSerialsSpent
    │   └── NoWeekFree
    ├── ConflictError              the state forbids it
    │   ├── CarAlreadyEnrolled, CarAlreadyHandedOver, CarRefuses
    │   ├── CarAlreadyTied, HomeAlreadyTaken
    │   ├── BuildBegun
    │   ├── IdentifierUsed
    │   ├── SignalClaimed
    │   ├── OrderConflict, QuoteOutdated, QuoteUsed
    │   ├── PaymentDeclined, PaymentOpen
    │   ├── ReleaseOlderThanCar, CarInCampaign
    │   ├── CampaignHalted, CampaignConflict
    │   └── RecordsContended
    ├── UnavailableError           a part that we need does not answer
    │   ├── BusUnavailable, BusOutcomeUnknown
    │   ├── RecordsUnavailable, RecordsOutcomeUnknown
    │   ├── LakeUnavailable
    │   ├── DeadlinePassed
    │   ├── DeviceFailed
    │   ├── SignalProviderMissing, CanBusUnavailable
    │   ├── PaymentUnclear, ProviderUnavailable
    │   └── CellUnreachable
    ├── StorageError               the disk or the data on it
    │   ├── DiskFull, NotWritable
    │   ├── DatabaseCorrupted
    │   └── DataDirectoryNewer, DataDirectoryOlder, DataDirectoryInUse
    ├── SetupError                 the machine or its settings
    │   ├── PortInUse, SettingInvalid, RoleUnknown
    │   ├── ServerMissing, ServerFailed
    │   ├── ClockWentBack
    │   ├── PagesMissing, PagesAltered
    │   └── CatalogueContradicts, CatalogueMalformed
    └── DefectError                a mistake of ours
        ├── Deadlock, Livelock, NotInVirtualTime, WorkNotSynchronous
        └── MachineFenced

Left out on purpose: translations. A page chooses its words by ``code``; ``hint`` is English, for
engineers and logs.
"""

from monocoque.contracts.errors.apps import AppAltered as AppAltered
from monocoque.contracts.errors.apps import AppAsksTooMuch as AppAsksTooMuch
from monocoque.contracts.errors.apps import AppMalformed as AppMalformed
from monocoque.contracts.errors.apps import AppMarketWrong as AppMarketWrong
from monocoque.contracts.errors.apps import AppPublisherUnknown as AppPublisherUnknown
from monocoque.contracts.errors.apps import AppRefused as AppRefused
from monocoque.contracts.errors.apps import AppSignalUnknown as AppSignalUnknown
from monocoque.contracts.errors.apps import AppTooLarge as AppTooLarge
from monocoque.contracts.errors.campaigns import CampaignConflict as CampaignConflict
from monocoque.contracts.errors.campaigns import CampaignHalted as CampaignHalted
from monocoque.contracts.errors.campaigns import CampaignSelectsNobody as CampaignSelectsNobody
from monocoque.contracts.errors.campaigns import CarInCampaign as CarInCampaign
from monocoque.contracts.errors.campaigns import InventoryChanged as InventoryChanged
from monocoque.contracts.errors.campaigns import ManifestReplayed as ManifestReplayed
from monocoque.contracts.errors.campaigns import ReleaseOlderThanCar as ReleaseOlderThanCar
from monocoque.contracts.errors.campaigns import ReleaseUnknown as ReleaseUnknown
from monocoque.contracts.errors.campaigns import ReportContradicts as ReportContradicts
from monocoque.contracts.errors.can import CanBusUnavailable as CanBusUnavailable
from monocoque.contracts.errors.can import CanDatabaseWrong as CanDatabaseWrong
from monocoque.contracts.errors.can import CanFrameBroken as CanFrameBroken
from monocoque.contracts.errors.can import CanLogBroken as CanLogBroken
from monocoque.contracts.errors.can import CanLogFormatUnknown as CanLogFormatUnknown
from monocoque.contracts.errors.can import CanMappingWrong as CanMappingWrong
from monocoque.contracts.errors.can import CanTargetRefused as CanTargetRefused
from monocoque.contracts.errors.conflicts import BuildBegun as BuildBegun
from monocoque.contracts.errors.conflicts import CarAlreadyEnrolled as CarAlreadyEnrolled
from monocoque.contracts.errors.conflicts import CarAlreadyHandedOver as CarAlreadyHandedOver
from monocoque.contracts.errors.conflicts import CarAlreadyTied as CarAlreadyTied
from monocoque.contracts.errors.conflicts import CarRefuses as CarRefuses
from monocoque.contracts.errors.conflicts import ConflictError as ConflictError
from monocoque.contracts.errors.conflicts import HomeAlreadyTaken as HomeAlreadyTaken
from monocoque.contracts.errors.conflicts import IdentifierUsed as IdentifierUsed
from monocoque.contracts.errors.conflicts import OrderConflict as OrderConflict
from monocoque.contracts.errors.conflicts import PaymentDeclined as PaymentDeclined
from monocoque.contracts.errors.conflicts import PaymentOpen as PaymentOpen
from monocoque.contracts.errors.conflicts import QuoteOutdated as QuoteOutdated
from monocoque.contracts.errors.conflicts import QuoteUsed as QuoteUsed
from monocoque.contracts.errors.conflicts import RecordsContended as RecordsContended
from monocoque.contracts.errors.defects import Deadlock as Deadlock
from monocoque.contracts.errors.defects import DefectError as DefectError
from monocoque.contracts.errors.defects import Livelock as Livelock
from monocoque.contracts.errors.defects import MachineFenced as MachineFenced
from monocoque.contracts.errors.defects import NotInVirtualTime as NotInVirtualTime
from monocoque.contracts.errors.defects import WorkNotSynchronous as WorkNotSynchronous
from monocoque.contracts.errors.documents import AlgorithmRefused as AlgorithmRefused
from monocoque.contracts.errors.documents import ArgumentsWrong as ArgumentsWrong
from monocoque.contracts.errors.documents import CriticalClaimUnknown as CriticalClaimUnknown
from monocoque.contracts.errors.documents import DecryptionFailed as DecryptionFailed
from monocoque.contracts.errors.documents import DocumentAudienceWrong as DocumentAudienceWrong
from monocoque.contracts.errors.documents import DocumentExpired as DocumentExpired
from monocoque.contracts.errors.documents import DocumentMalformed as DocumentMalformed
from monocoque.contracts.errors.documents import DocumentNotYetValid as DocumentNotYetValid
from monocoque.contracts.errors.documents import DocumentRefused as DocumentRefused
from monocoque.contracts.errors.documents import DocumentTooLarge as DocumentTooLarge
from monocoque.contracts.errors.documents import DocumentTypeUnknown as DocumentTypeUnknown
from monocoque.contracts.errors.documents import GrantRefused as GrantRefused
from monocoque.contracts.errors.documents import HandOverProofWrong as HandOverProofWrong
from monocoque.contracts.errors.documents import KeyUnknown as KeyUnknown
from monocoque.contracts.errors.documents import LogBroken as LogBroken
from monocoque.contracts.errors.documents import ScopeUnknown as ScopeUnknown
from monocoque.contracts.errors.documents import SignatureInvalid as SignatureInvalid
from monocoque.contracts.errors.inputs import ConfigurationImpossible as ConfigurationImpossible
from monocoque.contracts.errors.inputs import IdentifierMalformed as IdentifierMalformed
from monocoque.contracts.errors.inputs import InputError as InputError
from monocoque.contracts.errors.inputs import MethodNotAllowed as MethodNotAllowed
from monocoque.contracts.errors.inputs import MoneyMismatch as MoneyMismatch
from monocoque.contracts.errors.inputs import NotFound as NotFound
from monocoque.contracts.errors.inputs import OptionUnknown as OptionUnknown
from monocoque.contracts.errors.inputs import RequestMalformed as RequestMalformed
from monocoque.contracts.errors.inputs import RequestTooLarge as RequestTooLarge
from monocoque.contracts.errors.inputs import SceneMalformed as SceneMalformed
from monocoque.contracts.errors.inputs import SceneWordUnknown as SceneWordUnknown
from monocoque.contracts.errors.inputs import WeekNotBuildable as WeekNotBuildable
from monocoque.contracts.errors.limits import HandOverTriesSpent as HandOverTriesSpent
from monocoque.contracts.errors.limits import HomeCodeTriesSpent as HomeCodeTriesSpent
from monocoque.contracts.errors.limits import HomesFull as HomesFull
from monocoque.contracts.errors.limits import LimitError as LimitError
from monocoque.contracts.errors.limits import MailboxFull as MailboxFull
from monocoque.contracts.errors.limits import NoWeekFree as NoWeekFree
from monocoque.contracts.errors.limits import QueueFull as QueueFull
from monocoque.contracts.errors.limits import TooManyRequests as TooManyRequests
from monocoque.contracts.errors.limits import VinSerialsSpent as VinSerialsSpent
from monocoque.contracts.errors.messages import HomeWordRefused as HomeWordRefused
from monocoque.contracts.errors.messages import MessageExpired as MessageExpired
from monocoque.contracts.errors.messages import MessageFromTheFuture as MessageFromTheFuture
from monocoque.contracts.errors.messages import MessageMalformed as MessageMalformed
from monocoque.contracts.errors.messages import MessageRefused as MessageRefused
from monocoque.contracts.errors.messages import MessageTooLarge as MessageTooLarge
from monocoque.contracts.errors.messages import MessageVersionUnknown as MessageVersionUnknown
from monocoque.contracts.errors.messages import SceneRequestRefused as SceneRequestRefused
from monocoque.contracts.errors.messages import TopicUnknown as TopicUnknown
from monocoque.contracts.errors.rights import CredentialsRefused as CredentialsRefused
from monocoque.contracts.errors.rights import CrossSiteRefused as CrossSiteRefused
from monocoque.contracts.errors.rights import HomeCodeWrong as HomeCodeWrong
from monocoque.contracts.errors.rights import NotAllowed as NotAllowed
from monocoque.contracts.errors.rights import NotSignedIn as NotSignedIn
from monocoque.contracts.errors.rights import PasskeyRefused as PasskeyRefused
from monocoque.contracts.errors.rights import RightsError as RightsError
from monocoque.contracts.errors.rights import SignInLinkSpent as SignInLinkSpent
from monocoque.contracts.errors.rights import SiteUnknown as SiteUnknown
from monocoque.contracts.errors.rights import TopicRefused as TopicRefused
from monocoque.contracts.errors.setup import CatalogueContradicts as CatalogueContradicts
from monocoque.contracts.errors.setup import CatalogueMalformed as CatalogueMalformed
from monocoque.contracts.errors.setup import ClockWentBack as ClockWentBack
from monocoque.contracts.errors.setup import PagesAltered as PagesAltered
from monocoque.contracts.errors.setup import PagesMissing as PagesMissing
from monocoque.contracts.errors.setup import PortInUse as PortInUse
from monocoque.contracts.errors.setup import RoleUnknown as RoleUnknown
from monocoque.contracts.errors.setup import ServerFailed as ServerFailed
from monocoque.contracts.errors.setup import ServerMissing as ServerMissing
from monocoque.contracts.errors.setup import SettingInvalid as SettingInvalid
from monocoque.contracts.errors.setup import SetupError as SetupError
from monocoque.contracts.errors.signals import SignalClaimed as SignalClaimed
from monocoque.contracts.errors.signals import SignalClientsFull as SignalClientsFull
from monocoque.contracts.errors.signals import SignalDenied as SignalDenied
from monocoque.contracts.errors.signals import SignalNotActuator as SignalNotActuator
from monocoque.contracts.errors.signals import SignalProviderMissing as SignalProviderMissing
from monocoque.contracts.errors.signals import SignalTokenExpired as SignalTokenExpired
from monocoque.contracts.errors.signals import SignalTokenRefused as SignalTokenRefused
from monocoque.contracts.errors.signals import SignalUnknown as SignalUnknown
from monocoque.contracts.errors.signals import SignalValueRefused as SignalValueRefused
from monocoque.contracts.errors.storage import DatabaseCorrupted as DatabaseCorrupted
from monocoque.contracts.errors.storage import DataDirectoryInUse as DataDirectoryInUse
from monocoque.contracts.errors.storage import DataDirectoryNewer as DataDirectoryNewer
from monocoque.contracts.errors.storage import DataDirectoryOlder as DataDirectoryOlder
from monocoque.contracts.errors.storage import DiskFull as DiskFull
from monocoque.contracts.errors.storage import NotWritable as NotWritable
from monocoque.contracts.errors.storage import StorageError as StorageError
from monocoque.contracts.errors.tree import MonocoqueError as MonocoqueError
from monocoque.contracts.errors.tree import all_errors as all_errors
from monocoque.contracts.errors.unavailable import BusOutcomeUnknown as BusOutcomeUnknown
from monocoque.contracts.errors.unavailable import BusUnavailable as BusUnavailable
from monocoque.contracts.errors.unavailable import CellUnreachable as CellUnreachable
from monocoque.contracts.errors.unavailable import DeadlinePassed as DeadlinePassed
from monocoque.contracts.errors.unavailable import DeviceFailed as DeviceFailed
from monocoque.contracts.errors.unavailable import LakeUnavailable as LakeUnavailable
from monocoque.contracts.errors.unavailable import PaymentUnclear as PaymentUnclear
from monocoque.contracts.errors.unavailable import ProviderUnavailable as ProviderUnavailable
from monocoque.contracts.errors.unavailable import RecordsOutcomeUnknown as RecordsOutcomeUnknown
from monocoque.contracts.errors.unavailable import RecordsUnavailable as RecordsUnavailable
from monocoque.contracts.errors.unavailable import UnavailableError as UnavailableError
from monocoque.contracts.errors.updates import UpdateAltered as UpdateAltered
from monocoque.contracts.errors.updates import UpdateExpired as UpdateExpired
from monocoque.contracts.errors.updates import UpdateHardwareWrong as UpdateHardwareWrong
from monocoque.contracts.errors.updates import UpdateMalformed as UpdateMalformed
from monocoque.contracts.errors.updates import UpdateOlder as UpdateOlder
from monocoque.contracts.errors.updates import UpdateRefused as UpdateRefused
from monocoque.contracts.errors.updates import UpdateThresholdUnmet as UpdateThresholdUnmet
from monocoque.contracts.errors.updates import UpdateTooLarge as UpdateTooLarge
from monocoque.contracts.errors.updates import UpdateUnfit as UpdateUnfit
