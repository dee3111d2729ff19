"""A Dask cluster as the pool of a study: the same jobs, done by workers on other machines.

The workers need p31mg, of the same version, and see the folder of the spectra under the same path. They write nothing; what they
find is sent back. A job of a worker that dies goes to another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from p31mg._version import __version__
from p31mg.errors import InputError
from p31mg.study.pools import Pool
from p31mg.study.work import Job, Portion, work

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["look", "on_cluster"]

_RETRIES = 3
_JOBS_OF_A_THREAD = 2
"""One under way and one waiting."""
_CONNECT_S = 10


class _Cluster:
    """Jobs for the workers of a client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._executor: Executor = client.get_executor(pure=False, retries=_RETRIES)

    @property
    def n_at_once(self) -> int:
        """Two for each thread that there is now: clusters grow and shrink."""
        return _JOBS_OF_A_THREAD * max(1, sum(self._client.nthreads().values()))

    def submit(self, job: Job) -> Future[Portion]:
        return self._executor.submit(work, job)

    def renew(self) -> None:
        """Nothing is lost with a worker."""

    def stop(self) -> None:
        self._executor.shutdown(wait=False)


@contextmanager
def on_cluster(client: Client | str, root: Path) -> Iterator[Pool]:
    """Give the pool of a cluster: a `distributed.Client`, or the address of its scheduler.

    Raises
    ------
    InputError
        The extra is not installed, nothing answers there, there are no workers, or they have another p31mg or see no such folder.
    """
    try:
        from distributed import Client
    except ImportError as error:
        msg = "dask needs the package distributed: pip install 'p31mg[dask]'."
        raise InputError(msg) from error
    if not isinstance(client, str):
        with _pool(client, root) as pool:
            yield pool
        return
    try:
        connected = Client(client, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        msg = f"dask is {client}, where no scheduler answers ({error}); give the address that it prints, like tcp://host:8786."
        raise InputError(msg) from error
    with connected, _pool(connected, root) as pool:
        yield pool


@contextmanager
def _pool(client: Client, root: Path) -> Iterator[Pool]:
    folder = str(root.resolve())
    try:
        found = client.run(look, folder)
    except ModuleNotFoundError as error:
        msg = f"the workers of the cluster have no p31mg ({error}); install p31mg {__version__} there."
        raise InputError(msg) from error
    for worker, (version, sees) in found.items():
        if version != __version__:
            msg = f"worker {worker} has p31mg {version} and this is {__version__}; install the same on all."
            raise InputError(msg)
        if not sees:
            msg = f"worker {worker} sees no folder {folder}; the spectra must lie where all machines have them under one path."
            raise InputError(msg)
    pool = _Cluster(client)
    try:
        yield pool
    finally:
        pool.stop()


def look(folder: str) -> tuple[str, bool]:
    """Return the version of a worker, and whether it sees a folder."""
    return __version__, Path(folder).is_dir()
