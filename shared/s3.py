"""Files as objects of S3-compatible storage: `s3://bucket/prefix`.

Keys and endpoint come from the usual `AWS_…` variables. boto3, because its plain sockets work
under eventlet too, where s3fs refuses ("sync() from within a running loop").
"""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO
from urllib.parse import urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

_IN_MEMORY = 8 << 20  # what is larger passes through a file of the machine
_GONE = {"404", "NoSuchKey", "NotFound"}
_ONE_THREAD = TransferConfig(use_threads=False)
_PATIENCE = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 4})


class Bucket:
    """The files under a prefix of a bucket."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._bucket, self._prefix = where.netloc, where.path.strip("/")
        self._client = boto3.client("s3", config=_PATIENCE)

    @contextmanager
    def create(self, key: str) -> Iterator[IO[bytes]]:
        """Sent when it has been written; until then nothing of it is there."""
        with SpooledTemporaryFile(_IN_MEMORY) as written:
            yield written
            written.seek(0)
            self._client.upload_fileobj(written, self._bucket, self._name(key), Config=_ONE_THREAD)

    def open(self, key: str) -> IO[bytes]:
        """Fetched whole, so that readers may seek. Raises FileNotFoundError."""
        fetched = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # the reader closes it
        try:
            self._client.download_fileobj(
                self._bucket, self._name(key), fetched, Config=_ONE_THREAD
            )
        except ClientError as error:
            fetched.close()
            if error.response["Error"]["Code"] in _GONE:
                raise FileNotFoundError(key) from None
            raise
        fetched.seek(0)
        return fetched

    def remove(self, key: str) -> None:
        """Forget a file; one that is gone already is no error."""
        self._client.delete_object(Bucket=self._bucket, Key=self._name(key))

    def _name(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key
