"""Python stubs out of proto/, and the promise that the wire only grows.

``python proto/generate.py`` writes; with ``--check`` it writes nothing and ends with 1 when the
stubs in src/ or the baseline are not what would be written. Either way a change that is not
additive ends it with 1 before anything is written.

Rules:

* the compiler is the one in the locked grpcio-tools, so every machine writes the same bytes;
* baseline/ is the wire as it was at the last run: buf compares with it, field by field;

Left out on purpose: TypeScript. The pages speak HTTP, and their types come from its OpenAPI.
"""

import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROTO = Path(__file__).resolve().parent
SOURCE = PROTO.parent / "src"
WIRE = Path("monocoque/contracts/wire")
GOOGLE = Path(grpc_tools.__file__).parent / "_proto"
"""Where google/protobuf/timestamp.proto lies, which comes with the compiler."""
BUF_TIMEOUT_S = 60
BUF_FOUND_SOMETHING = 100
"""Its exit code for a change that breaks somebody."""


def generate(target: Path) -> None:
    """Write the stubs of every file below ``target``."""
    files = sorted(str(path.relative_to(PROTO)) for path in (PROTO / WIRE).glob("*.proto"))
    code = protoc.main(
        [
            "protoc",
            f"-I{PROTO}",
            f"-I{GOOGLE}",
            f"--python_out={target}",
            f"--pyi_out={target}",
            *files,
        ]
    )
    if code != 0:
        sys.exit("The protobuf compiler refused proto/; its message is above.")


def additive() -> bool:
    """Whether buf finds nothing that breaks a reader of the baseline."""
    programs = sorted(PROTO.glob("node_modules/@bufbuild/buf-*/bin/buf"))
    if not programs:
        sys.exit("buf is missing; `make setup` installs it.")
    command = [str(programs[0]), "breaking", ".", "--against", "baseline"]
    code = subprocess.run(command, cwd=PROTO, timeout=BUF_TIMEOUT_S, check=False).returncode
    if code not in {0, BUF_FOUND_SOMETHING}:
        sys.exit("buf could not read proto/; its message is above.")
    return code == 0


def differences(made: Path, kept: Path, patterns: tuple[str, ...]) -> list[str]:
    """The names that differ, or are on one side only."""
    names = {path.name for side in (made, kept) for p in patterns for path in side.glob(p)}
    return sorted(
        name
        for name in names
        if not (made / name).exists()
        or not (kept / name).exists()
        or not filecmp.cmp(made / name, kept / name, shallow=False)
    )


def main() -> None:
    """See the module."""
    if not additive():
        sys.exit("Changes to the wire are additive: add a field with a new number instead.")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        generate(made)
        stale = differences(made / WIRE, SOURCE / WIRE, ("*_pb2.py", "*_pb2.pyi"))
        new = differences(PROTO / WIRE, PROTO / "baseline" / WIRE, ("*.proto",))
        if "--check" in sys.argv:
            if stale or new:
                sys.exit(f"Not generated from proto/ as it is: {stale + new}. Run `make wire`.")
            return
        for name in stale:
            source = made / WIRE / name
            if source.exists():
                shutil.copyfile(source, SOURCE / WIRE / name)
            else:
                (SOURCE / WIRE / name).unlink()
        for name in new:
            shutil.copyfile(PROTO / WIRE / name, PROTO / "baseline" / WIRE / name)


if __name__ == "__main__":
    main()
