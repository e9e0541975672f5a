"""In which order pictures are decoded: what is on the screen first, then what will be."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from plugin.panel.review.media.frame_cache import Key


@dataclass(frozen=True)
class PrefetchRequest:
    """What the screen shows and where it is going.

    `sources` are shown together, each at its level; `spare` ones may be shown at any moment instead. `direction` is 1
    forward, -1 backward. Frames lie in `first` to `last`, both included; with `loop` the other end follows the one.
    `ahead` frames beyond the current one are wanted. `stride` is the distance between frames that a fast playback
    shows. While `playing`, what is shown goes before what is spare.
    """

    frame: int
    sources: tuple[tuple[str, int], ...]
    first: int
    last: int
    direction: int = 1
    loop: bool = False
    ahead: int = 8
    stride: int = 1
    playing: bool = False
    spare: tuple[tuple[str, int], ...] = ()

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

    def next_run(self, held: Container[Key], hopeless: Container[Key] = (), longest: int = 24) -> list[Key]:
        """The pictures to decode next, as one piece of work.

        A frame is of use only when all of its sources are there, so they come together: a decoder that cannot keep up
        shows fewer frames, but whole ones. Playing backward, a run of frames is decoded forward: going back picture by
        picture would decode each group of pictures over and over.
        """
        for sources in self._turns():
            for frame in self.frames() if sources is not None else (self.frame,):
                run = self._missing(frame, sources or (*self.sources, *self.spare), held, hopeless)
                if run:
                    backward = self.direction < 0 and self.stride == 1
                    return self._backward(run[0], held, hopeless, longest) if backward else run
        return []

    def _turns(self) -> Iterator[tuple[tuple[str, int], ...] | None]:
        """What comes first: all of a frame that stands still (None), then what is shown, then what may be."""
        if not self.playing:
            yield None
        yield self.sources
        yield self.spare

    def _missing(
        self, frame: int, sources: tuple[tuple[str, int], ...], held: Container[Key], hopeless: Container[Key]
    ) -> list[Key]:
        keys = (Key(source, frame, level) for source, level in sources)
        return [key for key in keys if key not in held and key not in hopeless]

    def _backward(self, key: Key, held: Container[Key], hopeless: Container[Key], longest: int) -> list[Key]:
        ahead = set(self.frames())
        run = [key]
        while len(run) < longest:
            before = key._replace(frame=run[-1].frame - 1)
            if before.frame not in ahead or before in held or before in hopeless:
                break
            run.append(before)
        return run[::-1]
