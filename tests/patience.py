"""Ten times production's deadlines, for whatever is not a test of a deadline: a busy machine is not what it is about.

A hand that lets go is known by its silence: three times is patience enough there, and the arm still comes to rest soon.
"""

from dataclasses import replace

from foundation.deadlines import PRODUCTION

PATIENT = replace(PRODUCTION.times(10), hold_to_run=3 * PRODUCTION.hold_to_run, jog=3 * PRODUCTION.jog)
