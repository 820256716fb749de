"""The bill of materials of a release, in the form CycloneDX 1.6: what the studio is installed with by the
lock, each package with its version, hashes, licence and who asks for it.

``scripts/release.py`` writes it beside the wheel. The same commit gives the same bytes where the lock is
installed.
"""

import re
import sys
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.licences import licence  # noqa: E402
from tianji_core.project import DISTRIBUTION  # noqa: E402

ALWAYS = ("requirements.txt", "requirements-xtuner.txt")
BY_CHOICE = ("requirements-gguf.txt",)
"""Locks of packages that a person installs in addition; their scope is "optional"."""
_ENTRY = re.compile(
    r"^([\w.-]+)==(\S+)(?: ; (.+?))? \\\n"
    r"((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)(?:    # via (.+)\n)?",
    re.M,
)


class LockedPackage(NamedTuple):
    """One version of a package in a lock file. ``marker`` says where it is installed, '' for everywhere;
    ``needed_by`` names the packages that ask for it; ``hashes`` are the SHA-256 of its files."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]
    optional: bool


def locked_packages() -> list[LockedPackage]:
    """Returns every package of the locks, by name."""
    return sorted(package for file in (*ALWAYS, *BY_CHOICE) for package in _packages_of(file))


def _packages_of(file: str) -> Iterator[LockedPackage]:
    for name, version, marker, hashes, via in _ENTRY.findall((ROOT / file).read_text(encoding="utf-8")):
        above = [word.split()[0] for word in via.split(",") if word.strip()] or [DISTRIBUTION]
        yield LockedPackage(
            canonicalize_name(name),
            version,
            marker,
            tuple(re.findall(r"sha256:([0-9a-f]{64})", hashes)),
            tuple(map(canonicalize_name, above)),
            file in BY_CHOICE,
        )


def bill_of_materials(version: str, made_at: datetime) -> str:
    """Returns the bill of materials of a version as JSON.

    Raises:
        ValueError: it does not fit the schema of CycloneDX.
    """
    studio = Component(
        name=DISTRIBUTION,
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=DISTRIBUTION,
        purl=PackageURL("pypi", name=DISTRIBUTION, version=version),
        licenses=[LicenseFactory().make_from_string("Apache-2.0")],
    )
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"{DISTRIBUTION}=={version}"))
    bom.metadata.timestamp = made_at
    bom.metadata.component = studio
    packages = {package: _component(package) for package in locked_packages()}
    for component in packages.values():
        bom.components.add(component)
    by_name: dict[str, list[Component]] = {DISTRIBUTION: [studio]}
    for package, component in packages.items():
        by_name.setdefault(package.name, []).append(component)
    needs: dict[Component, list[Component]] = {each: [] for each in (studio, *packages.values())}
    for package, component in packages.items():
        for above in package.needed_by:
            for each in by_name.get(above, []):
                needs[each].append(component)
    for component, below in needs.items():
        bom.register_dependency(component, below)
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(str(fault))
    return text + "\n"


def _component(package: LockedPackage) -> Component:
    marked = [Property(name="python:marker", value=package.marker)] if package.marker else []
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{package.name}=={package.version}",
        purl=PackageURL("pypi", name=package.name, version=package.version),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in package.hashes],
        scope=ComponentScope.OPTIONAL if package.optional else ComponentScope.REQUIRED,
        licenses=_licences(licence(package.name)),
        properties=marked,
    )


@cache
def _licences(said: str) -> list[License]:
    return [LicenseFactory().make_from_string(said)] if said else []
