"""A strict double of DaVinci Resolve's scripting interface.

Signatures come from the `fusionscript-stubs` package (the published documentation as Python stubs): a wrong name,
number or type of arguments fails the test. Behaviour follows published reports about real Resolves, including quirks;
where the reports disagree there is a switch. The double was never compared with a real Resolve; `dynvfx resolve-check`
does that.
"""

from tests.plugin.resolve.double.handles import Killed, NotInDouble
from tests.plugin.resolve.double.switches import Switches
from tests.plugin.resolve.double.world import World

__all__ = ["Killed", "NotInDouble", "Switches", "World"]
