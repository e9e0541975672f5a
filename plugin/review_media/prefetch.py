"""The order in which pictures are decoded: the shown frame first, then the frames ahead."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from plugin.review_media.frame_cache import Key


@dataclass(frozen=True)
class PrefetchRequest:
    """The frame on the screen, and the frames that follow it.

    frame: the current frame
    sources: (source, level) pairs that are shown together
    first, last: the range of frames, both included
    direction: 1 forward, -1 backward
    loop: whether the range repeats
    ahead: how many frames beyond the current one are wanted
    stride: the distance between shown frames in fast playback
    playing: whether it plays; `sources` then come before `spare`
    spare: (source, level) pairs that the artist may switch to
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

    def next_run(self, held: Container[Key], undecodable: Container[Key] = (), longest: int = 24) -> list[Key]:
        """The pictures to decode next, as one piece of work.

        A frame can be shown only with all of its sources, so they are decoded together: a slow decoder then shows fewer
        frames, but complete ones. For backward playback a run of frames is decoded forward, because decoding frame by
        frame backward would decode each group of pictures many times.
        """
        for sources in self._turns():
            for frame in self.frames() if sources is not None else (self.frame,):
                run = self._missing(frame, sources or (*self.sources, *self.spare), held, undecodable)
                if run:
                    backward = self.direction < 0 and self.stride == 1
                    return self._backward(run[0], held, undecodable, longest) if backward else run
        return []

    def _turns(self) -> Iterator[tuple[tuple[str, int], ...] | None]:
        """Sources by priority: when stopped all of the current frame (None), then the shown and the spare ones."""
        if not self.playing:
            yield None
        yield self.sources
        yield self.spare

    def _missing(
        self, frame: int, sources: tuple[tuple[str, int], ...], held: Container[Key], undecodable: Container[Key]
    ) -> list[Key]:
        keys = (Key(source, frame, level) for source, level in sources)
        return [key for key in keys if key not in held and key not in undecodable]

    def _backward(self, key: Key, held: Container[Key], undecodable: Container[Key], longest: int) -> list[Key]:
        ahead = set(self.frames())
        run = [key]
        while len(run) < longest:
            before = key._replace(frame=run[-1].frame - 1)
            if before.frame not in ahead or before in held or before in undecodable:
                break
            run.append(before)
        return run[::-1]
