"""Releases for tests on a running installation: made, signed by both companies, published."""

from pathlib import Path

from tests.e2e.installation import Installation

HARDWARE = ("arden7-gateway", "arden7-body", "arden7-drive")
COMPANIES = ("arden", "lumio")
NOTES = {
    "en": (
        "# Quieter doors\n\nThe doors close more softly.\n\n"
        "- **Doors**: the last centimetre is slower\n- **Charging**: the limit holds exactly\n"
    ),
    "de": (
        "# Leisere Türen\n\nDie Türen schließen sanfter.\n\n"
        "- **Türen**: der letzte Zentimeter kommt langsamer\n"
        "- **Laden**: die Grenze wird genauer gehalten\n"
    ),
    "zh": (
        "# 更安静的车门\n\n车门关闭更加轻柔。\n\n"
        "- **车门** 最后一厘米更慢\n- **充电** 更准确地遵守上限\n"
    ),
}


def publish(
    installation: Installation, version: str, minutes: int = 4, image_bytes: int = 100_000
) -> None:
    """Publish a release with an image for every control unit."""
    place: Path = installation.directory / f"release-{version}"
    notes = place / "notes"
    notes.mkdir(parents=True)
    for language, text in NOTES.items():
        (notes / f"{language}.md").write_text(text, "utf-8")
    words = ["--version", version, "--notes", str(notes), "--minutes", str(minutes)]
    for hardware_id in HARDWARE:
        image = place / f"{hardware_id}.img"
        line = f"{hardware_id} {version}\n".encode()
        image.write_bytes((line * (image_bytes // len(line) + 1))[:image_bytes])
        words += ["--image", f"{hardware_id}={image}"]
    data, folder = ("--data", str(installation.data)), str(place / "signed")
    installation.run("release", "new", *words, "--out", folder, *data)
    for company in COMPANIES:
        installation.run("release", "sign", folder, "--company", company, *data)
    installation.run("release", "publish", folder, *data)
