"""Signals of motion, place, trip, driver, assistance, service and diagnostics."""

from typing import Final

from monocoque.contracts.signals.kinds import Signal
from monocoque.contracts.signals.written import rows

TRIP: Final[tuple[Signal, ...]] = rows("""
701 sensor~5 float m/s^2 - Acceleration.{Longitudinal|Lateral|Vertical}
    How hard the car speeds up in this direction.
704 sensor~5 float degrees/s - AngularVelocity.{Roll|Pitch|Yaw}
    How fast the car turns around this axis.
707 sensor float km/h - AverageSpeed
    The mean speed of this trip.
708 sensor float s - TripDuration
    How long this trip has lasted.
710 sensor boolean - - IsBrokenDown
    Whether the car cannot go on.
711 sensor~ double degrees 0..360 CurrentLocation.Heading
    Where the car is heading; 0 is north.
712 sensor~ double m - CurrentLocation.{HorizontalAccuracy|VerticalAccuracy}
    How far from the truth the place may be.
714 sensor~ double m - CurrentLocation.Altitude
    How high above the sea the car is (WGS 84).
715 sensor string iso8601 - CurrentLocation.Timestamp
    When the place was measured.
716 sensor string - NONE|TWO_D|TWO_D_SATELLITE_BASED_AUGMENTATION|TWO_D_GROUND_BASED_AUGMENTATION|TWO_D_SATELLITE_AND_GROUND_BASED_AUGMENTATION|THREE_D|THREE_D_SATELLITE_BASED_AUGMENTATION|THREE_D_GROUND_BASED_AUGMENTATION|THREE_D_SATELLITE_AND_GROUND_BASED_AUGMENTATION CurrentLocation.GNSSReceiver.FixType
    How well the receiver knows the place.
717 attribute uint16 kg - {CurbWeight|GrossWeight|MaxTowWeight}
    What the car weighs, may weigh, and may tow.
720 sensor uint16 kg - CurrentOverallWeight
    What the car weighs now.
721 attribute uint16 mm - {Length|Height}
    How large the car is.
724 attribute uint32 - - VersionVSS.{Major|Minor|Patch}
    Which version of VSS the catalogue follows.
727 attribute string - - VehicleIdentification.{Brand|Model}
    Who made the car, and what it is called.
729 attribute uint16 - - VehicleIdentification.Year
    The model year.
730 sensor boolean - - Trailer.IsConnected
    Whether a trailer is connected.
731 actuator uint8 - 0..10 PowerOptimizeLevel
    How hard the whole car saves; 10 saves most.
732 sensor boolean - - Connectivity.IsConnectivityAvailable
    Whether the car has a way to its cell.
733 attribute uint16 mm - {WidthExcludingMirrors|WidthIncludingMirrors|WidthFoldedMirrors}
    How wide the car is, with its mirrors as the name says.
736 actuator uint32 m - TripMeterReading
    The trip meter; whoever drives sets it to 0.
742 sensor~5 float percent 0..100 Driver.{DistractionLevel|AttentiveProbability|FatigueLevel}
    How the driver seems to be.
745 sensor boolean - - Driver.{IsEyesOnRoad|IsHandsOnWheel}
    What the driver does.
747 sensor string - - Occupant.Row1.DriverSide.Identifier.{Subject|Issuer}
    Who drives, and who says so.
750 actuator boolean - - ADAS.{ABS|TCS|ESC|EBD|EBA}.IsEnabled
    Whether this assistance may act.
755 sensor boolean - - ADAS.{ABS|TCS|ESC|EBD|EBA}.IsEngaged
    Whether this assistance acts.
760 sensor boolean - - ADAS.{ABS|TCS|ESC|EBD|EBA}.IsError
    Whether this assistance is broken.
765 actuator boolean - - ADAS.CruiseControl.{IsActive|IsEnabled}
    Whether the car may keep, or keeps, a speed by itself.
767 actuator float km/h - ADAS.CruiseControl.SpeedSet
    The speed that it keeps.
768 actuator boolean - - ADAS.LaneDepartureDetection.IsEnabled
    Whether the car warns of leaving its lane.
769 sensor boolean - - ADAS.LaneDepartureDetection.{IsWarning|IsError}
    What that warning does.
780 sensor boolean - - Service.IsServiceDue
    Whether the car wants to be serviced.
781 sensor float km - Service.DistanceToService
    How far it may still go until then.
782 sensor int32 s - Service.TimeToService
    How long it may still go until then.
783 sensor uint8 - - Diagnostics.DTCCount
    How many faults are stored.
784 sensor string[] - - Diagnostics.DTCList
    The codes of the stored faults.
""")  # noqa: E501 - a row is one line
"""Every row."""
