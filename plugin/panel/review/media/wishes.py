"""In which order pictures are decoded: what is on the screen first, then what will be."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from plugin.panel.review.media.frame_cache import Key


@dataclass(frozen=True)
class Wish:
    """What the screen shows and where it is going.

    `sources` are shown together, each at its level. `direction` is 1 forward, -1 backward. Frames lie in `first` to
    `last`, both included; with `loop` the other end follows the one. `ahead` frames beyond the current one are wanted.
    `stride` is the distance between frames that a fast playback shows.
    """

    frame: int
    sources: tuple[tuple[str, int], ...]
    first: int
    last: int
    direction: int = 1
    loop: bool = False
    ahead: int = 8
    stride: int = 1

    def frames(self) -> Iterator[int]:
        """The current frame, then the ones ahead."""
        yield self.frame
        length = self.last - self.first + 1
        for step in range(1, min(self.ahead, length - 1) + 1):
            frame = self.frame + step * self.direction * self.stride
            if self.loop:
                frame = self.first + (frame - self.first) % length
            if not self.first <= frame <= self.last:
                return
            yield frame

    def next_missing(self, held: Container[Key], hopeless: Container[Key] = ()) -> Key | None:
        """The most urgent picture that is neither held nor known to be unreadable."""
        for frame in self.frames():
            for source, level in self.sources:
                key = Key(source, frame, level)
                if key not in held and key not in hopeless:
                    return key
        return None

    def next_run(self, held: Container[Key], hopeless: Container[Key] = (), longest: int = 24) -> list[Key]:
        """The pictures to decode next, in ascending order.

        Playing backward a whole run is decoded forward: going back picture by picture would decode each group of
        pictures over and over.
        """
        first = self.next_missing(held, hopeless)
        if first is None:
            return []
        if self.direction > 0:
            return [first]
        ahead = set(self.frames())
        run = [first]
        while len(run) < longest and self.stride == 1:
            before = run[-1]._replace(frame=run[-1].frame - 1)
            if before.frame not in ahead or before in held or before in hopeless:
                break
            run.append(before)
        return run[::-1]
