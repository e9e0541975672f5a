"""The agent that runs inside DaVinci Resolve, started from Workspace > Scripts.

Standard library only, Python 3.6 to 3.14. Resolve's interface fails without a word, so everything that is written is
read back, and taken back when it is not right.
"""

VERSION = "0.1.0"
