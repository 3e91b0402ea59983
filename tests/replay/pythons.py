"""The other Pythons of this machine, each with the packages that a replay needs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from tests.conftest import ROOT

SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
IMPORTED = (
    "temporalio",
    "pydantic",
    "jsonpatch",
    "aiohttp",
    "slack-sdk",
    "pdpyras",
    "xdk",
    "SQLAlchemy",
    "cryptography",
)
"""What the workflows import, through the types of the activities; `python-dotenv` and the like come with the settings."""
WITH_SETTINGS = ("pydantic-settings", "python-dotenv", "tzdata")


def others() -> dict[str, str]:
    """Version to path: of each supported minor version but this one, the first that runs.

    A shim of pyenv may stand on the path and fail, while the version itself is there.
    """
    own = "{}.{}".format(*sys.version_info)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found: dict[str, str] = {}
    for version in SUPPORTED:
        candidates = [shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python{version}")]
        for candidate in candidates:
            if version != own and version not in found and candidate and _runs(str(candidate)):
                found[version] = str(candidate)
    return found


def _runs(python: str) -> bool:
    return subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0


def furnished(version: str, python: str) -> str:
    """The interpreter of an environment with the locked packages, made once for each lock."""
    wanted = _locked(_needed())
    place = ROOT / ".venvs" / version
    stamp = place / ".installed"
    mark = hashlib.sha256(wanted.encode()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == mark):
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(place)], check=True)
        lock = place / "requirements.txt"
        lock.write_text(wanted)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "--no-deps", "--no-compile", "-r", str(lock)], check=True)
        stamp.write_text(mark)
    return str(place / "bin" / "python")


def _needed() -> set[str]:
    """The packages that are imported, and what those require in turn, by their normalised names."""
    found: set[str] = set()
    left = [*IMPORTED, *WITH_SETTINGS]
    while left:
        name = _normalised(left.pop())
        try:
            required = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another platform or Python
        if name not in found:
            found.add(name)
            left += [re.split(r"[^\w.-]", one, maxsplit=1)[0] for one in required if "extra ==" not in one]
    return found


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _locked(names: set[str]) -> str:
    """The entries of these packages, as the lock has them with their hashes."""
    lock = (ROOT / "requirements.txt").read_text()
    entries = re.findall(r"^([\w.-]+)(==.*(?:\n[ ].*)*)", lock, re.MULTILINE)
    return "\n".join(name + rest for name, rest in entries if _normalised(name) in names) + "\n"
