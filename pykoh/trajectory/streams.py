"""Bytes of a trajectory from a plain or compressed file or from standard input."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from pykoh.errors import TrajectoryError
from pykoh.files import require_file

STDIN = "-"
STDIN_NAME = "standard input"
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_XZ = b"\xfd7zXZ"
_BZIP2 = b"BZh"
_MOST_COMPRESSED = 20_000  # bytes of text from one byte; gzip reaches 1032


class ByteStream:
    """A stream of bytes with its position.

    The first bytes show the compression, not the name.

    Args:
        path: a file, or ``"-"`` for standard input.

    Attributes:
        name: its name in messages.
        size: size of the file on disk in bytes, or None for standard input.
        cut_off: whether the compressed data ended before their end mark.
        consumed: bytes read by the user of the stream, after decompression.

    Raises:
        TrajectoryError: the file is missing, empty or unreadable.
    """

    def __init__(self, path: str | Path) -> None:
        self.name = STDIN_NAME if str(path) == STDIN else str(path)
        self.size: int | None = None
        self.cut_off = False
        self.consumed = 0
        if str(path) == STDIN:
            raw = cast(io.BufferedReader, sys.stdin.buffer)
        else:
            self.size = require_file(path, "LAMMPS text dump", TrajectoryError).stat().st_size
            raw = Path(path).open("rb")  # noqa: SIM115 - closed by close()
        self._raw = raw
        self._stream: IO[bytes] | Any = self._decompressed(raw)

    def _decompressed(self, raw: io.BufferedReader) -> IO[bytes] | Any:
        head = raw.peek(5)[:5]
        if head.startswith(_GZIP):
            return gzip.GzipFile(fileobj=raw, mode="rb")
        if head.startswith(_XZ):
            return lzma.LZMAFile(raw)
        if head.startswith(_BZIP2):
            return bz2.BZ2File(raw)
        if head.startswith(_ZSTD):
            import zstandard

            return zstandard.ZstdDecompressor().stream_reader(
                raw, read_across_frames=True, closefd=False
            )
        return raw

    @property
    def position(self) -> int:
        """Bytes read from the file on disk; 0 for standard input."""
        return 0 if self.size is None else self._raw.tell()

    @property
    def longest_text(self) -> int:
        """Largest possible size of the decompressed text; a huge number if unknown."""
        if self.size is None:
            return 1 << 60
        return self.size if self._stream is self._raw else self.size * _MOST_COMPRESSED

    def skip_to(self, offset: int) -> None:
        """Continue at ``offset`` bytes from the beginning, after decompression.

        Raises:
            TrajectoryError: the compressed data are damaged.
        """
        if self._stream is self._raw:
            self._raw.seek(offset)
            self.consumed = offset
            return
        scratch = memoryview(bytearray(1 << 20))
        while self.consumed < offset:
            if not self.readinto(scratch[: min(len(scratch), offset - self.consumed)]):
                break

    def readinto(self, target: memoryview) -> int:
        """Fill ``target`` if possible; return the number of bytes, 0 at the end.

        Raises:
            TrajectoryError: the compressed data are damaged.
        """
        if self._stream is self._raw:
            got = self._raw.readinto(target) or 0
            self.consumed += got
            return got
        filled = 0
        while filled < len(target):
            try:
                # read1 returns the data before the place where compressed data are cut off.
                piece = (
                    self._stream.read1(len(target) - filled)
                    if hasattr(self._stream, "read1")
                    else self._stream.read(len(target) - filled)
                )
            except EOFError:
                self.cut_off = True
                break
            except (OSError, zlib.error, lzma.LZMAError, ValueError) as error:
                raise TrajectoryError(f"{self.name}: cannot be read ({error})") from error
            except Exception as error:
                if type(error).__name__ != "ZstdError":
                    raise
                raise TrajectoryError(
                    f"{self.name}: damaged zstd data ({error}); copy or compress the file again"
                ) from error
            if not piece:
                break
            target[filled : filled + len(piece)] = piece
            filled += len(piece)
        self.consumed += filled
        return filled

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._stream is not self._raw:
            self._stream.close()
        if self.size is not None:
            self._raw.close()

    def __enter__(self) -> ByteStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
