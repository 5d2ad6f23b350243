#!/usr/bin/env python3
"""Checks the licences and sources of every dependency, by what Cargo.toml of each says.

The quick part of `scripts/deny.sh`, which needs cargo-deny: licences outside of `allow` and `exceptions` of deny.toml,
crates that do not come from crates.io, and versions that are not bounded (`*`). CI runs this.

    scripts/dependencies.py [MANIFEST]..    by default those of the workspace, the fuzzer, the benchmarks and the examples
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).parent.parent
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def allowed(expression, licences):
    """Whether an SPDX expression holds with these licences; `/` is the old form of `OR`."""
    tokens = re.findall(r"\(|\)|\bOR\b|\bAND\b|/|[\w.+-]+(?: WITH [\w.+-]+)?", expression)

    def either():
        result = both()
        while tokens and tokens[0] in ("OR", "/"):
            tokens.pop(0)
            result = both() or result
        return result

    def both():
        result = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            result = one() and result
        return result

    def one():
        token = tokens.pop(0)
        if token != "(":
            return token in licences
        result = either()
        tokens.pop(0)
        return result

    return either()


def problems(package, licences, exceptions):
    name = f"{package['name']} {package['version']}"
    if package["source"] is None:
        for dependency in package["dependencies"]:
            if dependency["req"] == "*" and "path" not in dependency:
                yield f"{name}: any version of {dependency['name']} is accepted"
        return
    if package["source"] != REGISTRY:
        yield f"{name}: its source is {package['source']}"
    accepted = licences | exceptions.get(package["name"], set())
    if not package["license"] or not allowed(package["license"], accepted):
        yield f"{name}: its licence is {package['license']}"


def main():
    rules = tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]
    licences = set(rules["allow"])
    exceptions = {entry["crate"]: set(entry["allow"]) for entry in rules["exceptions"]}
    manifests = sys.argv[1:] or [
        path.with_suffix(".toml").relative_to(ROOT)
        for pattern in ("Cargo.lock", "fuzz/Cargo.lock", "benches/Cargo.lock", "examples/*/Cargo.lock")
        for path in ROOT.glob(pattern)
    ]
    found = set()
    packages = set()
    for manifest in manifests:
        command = ["cargo", "metadata", "--format-version", "1", "--all-features", "--manifest-path"]
        output = subprocess.run([*command, manifest], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        for package in json.loads(output)["packages"]:
            packages.add(package["id"])
            found.update(problems(package, licences, exceptions))
    print(*sorted(found), sep="\n", end="\n" if found else "")
    print(f"{len(packages)} packages, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
