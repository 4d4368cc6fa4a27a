"""The copies of one database: where they lie, whether one may be read, and how a new one takes its place.

A copy is written in a passing folder, gets a name made of its content, and counts only when its manifest names it;
the manifest is replaced as a whole, so there is no time at which half a copy could be read.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from allotment.databases._difference import Difference
from allotment.databases.files._manifest import Manifest, declared_differences
from allotment.errors import StorageError
from allotment.project import TableGrant
from allotment.workspace import hash_file, hash_file_once, write_atomic

_MAKING = ".making-"


@dataclass(frozen=True)
class CopyStore:
    """The folder of one database's copies, readable by its owner only."""

    folder: Path

    def manifest(self, account: str) -> Manifest | None:
        """The seal of an account's copy; none if there is none or it cannot be read."""
        try:
            return Manifest.model_validate_json(self._manifest_file(account).read_bytes())
        except (OSError, ValidationError):
            return None

    def path(self, manifest: Manifest) -> Path:
        """Where the copy of a manifest lies."""
        return self.folder / Path(manifest.copy_file).name

    def differences(
        self, account: str, manifest: Manifest | None, source: str, declared: Mapping[str, TableGrant]
    ) -> list[Difference]:
        """Why an account's copy with this manifest may not be read; empty if it may."""
        if manifest is None:
            found = "a manifest that cannot be read" if self._manifest_file(account).exists() else "none"
            return [Difference(f"{account}: copy", f"a copy of {source}", found, "")]
        found_hash = hash_file_once(self.path(manifest))
        differences = list(declared_differences(account, declared, manifest.declared))
        if manifest.source != source:
            differences.append(Difference(f"{account}: copy", f"a copy of {source}", f"one of {manifest.source}", ""))
        if found_hash != manifest.copy_sha256:
            actual = f"sha256 {found_hash[:16]}" if found_hash else "no file"
            differences.append(Difference(f"{account}: copy", f"sha256 {manifest.copy_sha256[:16]}", actual, ""))
        return differences

    def strangers(self, accounts: frozenset[str]) -> list[str]:
        """Files that belong to no copy of these accounts."""
        if not self.folder.exists():
            return []
        known = {self._manifest_file(account).name for account in accounts}
        known |= {manifest.copy_file for account in accounts if (manifest := self.manifest(account))}
        return sorted(entry.name for entry in self.folder.iterdir() if entry.name not in known)

    def remove(self, name: str) -> None:
        """Remove a file, or what a killed process left."""
        path = self.folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    @contextmanager
    def making(self) -> Iterator[Path]:
        """A path to write a new copy to; ``keep`` gives it its place, else it is removed.

        Raises:
            StorageError: the disk is full or the folder cannot be written.
        """
        passing = self.folder / f"{_MAKING}{secrets.token_hex(8)}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            passing.mkdir(mode=0o700)
            yield passing / "copy"
        except OSError as error:
            raise StorageError(
                f"cannot be written ({error.strerror or error}).",
                element=str(self.folder),
                remedy="Free some disk space or mend the folder's rights, then run the same command again.",
            ) from error
        finally:
            shutil.rmtree(passing, ignore_errors=True)

    def keep(self, account: str, made: Path, unsealed: Manifest) -> None:
        """Give a whole copy its place and seal it; the account's older copy is removed."""
        made.chmod(0o600)
        with made.open("rb") as file:
            os.fsync(file.fileno())
        digest = hash_file(made)
        name = f"{account}.{digest[:16]}.{unsealed.kind}"
        before = self.manifest(account)
        made.replace(self.folder / name)
        sealed = unsealed.model_copy(update={"copy_file": name, "copy_sha256": digest})
        write_atomic(self._manifest_file(account), sealed.model_dump_json(indent=1), private=True)
        if before is not None and before.copy_file != name:
            self.path(before).unlink(missing_ok=True)

    def _manifest_file(self, account: str) -> Path:
        return self.folder / f"{account}.json"
