"""The agent that runs inside DaVinci Resolve, started from Workspace > Scripts.

Standard library only, Python 3.6 to 3.14. Resolve's scripting API fails silently, so everything that is written is read
back, and undone when it is wrong.
"""

VERSION = "0.1.0"
