"""Edit lists as several programs write them, over the footage of the cases."""

from __future__ import annotations

# Avid: reels of the tape, FROM CLIP NAME without suffix, colons everywhere, black between, sound beside.
AVID = """TITLE:   REEL 1
FCM: NON-DROP FRAME
001  TC24     V     C        01:00:00:10 01:00:01:16 01:00:00:00 01:00:01:06
* FROM CLIP NAME:  tc24
002  TC24     A     C        01:00:00:10 01:00:01:16 01:00:00:00 01:00:01:06
003  BL       V     C        00:00:00:00 00:00:00:12 01:00:01:06 01:00:01:18
004  A24      V     C        00:00:02:02 00:00:03:02 01:00:01:18 01:00:02:18
* FROM CLIP NAME:  a24
"""

# Premiere: reel AX, names with suffix, a dissolve in two lines, the timeline from zero.
PREMIERE = """TITLE: Sequence 01

001  AX       V     C        00:00:01:00 00:00:02:00 00:00:00:00 00:00:01:00
* FROM CLIP NAME: a25.mov

002  AX       V     C        00:00:02:00 00:00:02:00 00:00:01:00 00:00:01:00
* FROM CLIP NAME: a25.mov
002  AX       V     D    010 00:00:00:05 00:00:01:15 00:00:01:00 00:00:02:10
* TO CLIP NAME: second.mov

003  AX       AA/V  C        00:00:02:10 00:00:03:00 00:00:02:10 00:00:03:00
* FROM CLIP NAME: a25.mov
"""

# Resolve: the file's name as clip name, the reel of 32 letters, a one-hour start, a speed change with M2.
RESOLVE = """TITLE: Timeline 1
FCM: NON-DROP FRAME

001  A24      V     C        00:00:00:20 00:00:01:20 01:00:00:00 01:00:01:00
* FROM CLIP NAME: a24.mov

002  AX       V     C        00:00:00:00 00:00:02:00 01:00:01:00 01:00:02:00
M2   AX       048.0                00:00:00:00
* FROM CLIP NAME: a24.mov

003  AX       V     C        00:00:02:00 00:00:03:12 01:00:02:00 01:00:03:12
* FROM CLIP NAME: output.[1000-1100].png
"""

# Final Cut Pro 7 and others in drop frame: semicolons, or the header alone.
DROP = """TITLE: drop
FCM: DROP FRAME

001  TAPE1    V     C        01:00:00;10 01:00:01;10 00:59:59;00 01:00:00;00
* FROM CLIP NAME: tc2997df.mov
"""
