"""``monocoque car token trust``: what is wrong with the file of the key is said with the file."""

import subprocess

from tests.e2e.installation import COMMAND_S_MAX, MONOCOQUE


def test_a_key_that_is_not_there_is_named_with_what_to_name_instead(tmp_path) -> None:
    words = ["car", "token", "trust", "car_00000000000000000000000000", "maker", "none.pem"]
    done = subprocess.run(
        [MONOCOQUE, *words, "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=COMMAND_S_MAX,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "There is no file none.pem.",
        "Name a file with the issuer's public key.",
    ]
