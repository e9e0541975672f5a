"""What can be wrong with media, each as its own type."""

from __future__ import annotations

from contract.errors import BadMedia, BadUsage, Problem
from contract.image_sequence import ImageSequence


class MissingMedia(BadMedia):
    """No such file, folder or sequence."""

    kind = "media_missing"


class UnreadableMedia(BadMedia):
    """The file or folder exists but this user may not read it."""

    kind = "media_unreadable"


class EmptyMedia(BadMedia):
    """The file has no bytes, or the folder or movie has no pictures."""

    kind = "media_empty"


class NotMedia(BadMedia):
    """The file is not a movie or picture that the decoder knows."""

    kind = "not_media"


class NoPicture(BadMedia):
    """The file holds sound or data but no video."""

    kind = "no_picture"


class DamagedMedia(BadMedia):
    """The file is cut off, or a picture inside it cannot be decoded."""

    kind = "media_damaged"


class MissingFrames(BadMedia):
    """An image sequence has holes, or mixes sizes or pixel formats. With holes, `sequence` is all of it."""

    kind = "frames_missing"
    sequence: ImageSequence | None = None


class EncryptedMedia(BadMedia):
    """The pictures are protected and cannot be decoded without a key."""

    kind = "media_encrypted"


class UnsupportedPixels(BadMedia):
    """The pixel format or colour matrix cannot be carried through without loss."""

    kind = "pixels_unsupported"


class DecodersDisagree(DamagedMedia):
    """Two decoders see other pictures in the same file."""

    kind = "decoders_disagree"


class UnfaithfulDelivery(BadMedia):
    """What would be delivered does not have the clip's pixels."""

    kind = "delivery_unfaithful"


class BadRange(BadUsage):
    """A range of frames that the clip does not have."""

    kind = "bad_range"


class EncodeFailed(Problem):
    """ffmpeg refused to write a file for a reason other than space or permission."""

    kind = "encode_failed"
