#!/usr/bin/env python3
"""Checks the contents of every crate's package, without building it.

The quick part of `scripts/package.sh`, which also runs the tests inside the packages:

- README, licences, and the metadata that the registry shows;
- no file that lies outside the package or was left out of it: `#[path]`, `include_str!` and its relatives, the links
  of the README, the targets of Cargo.toml;
- no use of `sse-test`, which is not published.
"""

import pathlib
import posixpath
import re
import subprocess
import sys
import tarfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "target/package"
NEEDED = ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "src"]
METADATA = ["description", "license", "readme", "repository", "rust-version", "categories", "keywords"]
# Bytes; the registry's limit is 10 MiB.
LARGEST = 2 << 20

INCLUDED = re.compile(r'(?:#\[path = |include(?:_str|_bytes)?!\(\s*)"([^"]+)"')
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def problems(crate, files):
    """What is wrong with a package; `files` are its contents by path."""
    present = lambda path: path in files or any(name.startswith(f"{path}/") for name in files)
    yield from (f"there is no {name}" for name in NEEDED if not present(name))
    manifest = tomllib.loads(files["Cargo.toml"].decode())
    package = manifest["package"]
    wanted = METADATA + ["documentation"] * present("src/lib.rs")
    yield from (f"Cargo.toml has no `{key}`" for key in wanted if not package.get(key))
    yield from (f"more than five {key}" for key in ("categories", "keywords") if len(package.get(key, [])) > 5)
    for kind in ("bin", "example", "test", "bench"):
        for target in manifest.get(kind, []):
            if not present(target["path"]):
                yield f"Cargo.toml names {target['path']}, which is not in the package"
    yield from (f"README.md links to {link}, which is not in the package" for link in LINK.findall(files["README.md"].decode()) if not present(link))
    for name, content in files.items():
        if not name.endswith(".rs"):
            continue
        text = content.decode()
        for path in INCLUDED.findall(text):
            if posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) not in files:
                yield f"{name} includes {path}, which is not in the package"
        if re.search(r"\bsse_test\b", text):
            yield f"{name} uses sse-test, which is not published: add it to `exclude` in Cargo.toml"


def main():
    crates = subprocess.run([ROOT / "scripts/release.sh", "--order"], capture_output=True, text=True, check=True).stdout.split()
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    selected = [argument for crate in crates for argument in ("--package", crate)]
    subprocess.run(["cargo", "package", "--allow-dirty", "--no-verify", "--quiet", *selected], cwd=ROOT, check=True)
    found = []
    for crate in crates:
        archive = PACKAGES / f"{crate}-{version}.crate"
        with tarfile.open(archive) as tar:
            members = {m.name.split("/", 1)[1]: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}
        found += [f"{crate}: {problem}" for problem in problems(crate, members)]
        if archive.stat().st_size > LARGEST:
            found.append(f"{crate}: {archive.stat().st_size} bytes, more than {LARGEST}")
    print("\n".join(found) or f"{len(crates)} packages are complete")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
