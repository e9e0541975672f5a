"""clips: list a timeline's clips, and search them."""

from __future__ import annotations

import argparse
import json

from bridge.editorial.clip_list import ListedClip, list_clips
from bridge.editorial.timeline import open_timeline, with_frame_rate
from contract.errors import DONE, BadUsage
from media.probe import probe
from plugin.cli.job_tables import table


def run(options: argparse.Namespace) -> int:
    """Print the clips whose name, track or timecode holds the searched text; the exit code. Raises BadTimeline."""
    opened = open_timeline(
        options.source, name=options.timeline, media_folders=options.media, rate=options.rate, ask_media=probe
    )
    opened = with_frame_rate(opened, lambda name: probe(name).rate)
    listed = list_clips(opened)
    wanted = (options.search or "").casefold()
    found = [each for each in listed if wanted in f"{each.name} {each.track} {each.record_in}".casefold()]
    if not found:
        what = f'None of the {len(listed)} clips holds "{options.search}".'
        raise BadUsage(what, remedy="Search for a part of a name or timecode.")
    if options.json:
        for each in found:
            print(json.dumps(_facts(each)))
        return DONE
    rows = [[str(each.index), each.name, each.track, each.record_in, _state(each)] for each in found]
    print(table(["CLIP", "NAME", "TRACK", "BEGINS", "CAN BE USED"], rows, cut=False))
    for notice in opened.notices:
        print(notice)
    return DONE


def _facts(clip: ListedClip) -> dict[str, object]:
    facts = {"clip": clip.index, "name": clip.name, "track": clip.track, "begins": clip.record_in}
    return facts | {"problem": str(clip.problem) if clip.problem is not None else ""}


def _state(clip: ListedClip) -> str:
    return "yes" if clip.problem is None else f"no: {clip.problem.what}"
