"""How long a sound or a film plays, how many pages a document has, how large a picture is: read from the media itself.

Bytes alone bound none of them (60 kB of FLAC can be nine hours of silence), and providers bill by them. Every function
gives an upper bound of what a lenient decoder would find, or None where the bytes tell none: its caller then holds the
whole context window. So what is odd is None, and where a header and the content disagree the larger counts. Nothing
raises, and nothing costs more than a small multiple of its input, since these bytes are a stranger's. What comes in are
those bytes alone; a reader never knows which provider will get them.
"""

from core.wire.media.containers.audio import audio_duration_ms
from core.wire.media.containers.image import image_pixels
from core.wire.media.containers.pdf import pdf_pages, pdf_text_bytes
from core.wire.media.containers.video import video_duration_ms

__all__ = ["audio_duration_ms", "image_pixels", "pdf_pages", "pdf_text_bytes", "video_duration_ms"]
