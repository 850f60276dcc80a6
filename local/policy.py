"""`make check`'s policy checks: compares checkov's findings with those that template.yaml explains.

    python -m local.policy PATH_OF_CHECKOV

`Metadata: checkov: skip` in template.yaml lists each check that fails, with its reason, and no other check.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from local.template import Template


def main(checkov: str) -> int:
    """Print each check that fails unexplained, or passes although explained. Returns the exit code: 0 for none."""
    template = Template.read()
    explained = {skip["id"] for skip in template.sam["Metadata"]["checkov"]["skip"]}
    failed = _failed(checkov, template.translated())
    for check, found in sorted(failed.items()):
        if check not in explained:
            print(f"{check}: {'; '.join(sorted(found))}")
    for check in sorted(explained - failed.keys()):
        print(f"{check}: is explained in template.yaml but not found; remove it there")
    return int(failed.keys() != explained)


def _failed(checkov: str, cloudformation: dict[str, object]) -> dict[str, set[str]]:
    """Return the checks that fail, by id: their name and the resources. Raises RuntimeError when not all was read."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.json"
        file.write_text(json.dumps(cloudformation))
        # --skip-download: otherwise checkov asks a server for links to explanations.
        command = [checkov, "--file", str(file), "--framework", "cloudformation", "--skip-download", "--output", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    report = json.loads(done.stdout)
    if report["summary"]["parsing_errors"] or report["summary"]["resource_count"] < len(cloudformation["Resources"]):  # type: ignore[arg-type]
        raise RuntimeError(f"checkov did not read the whole template: {report['summary']}")
    failed: dict[str, set[str]] = {}
    for one in report["results"]["failed_checks"]:
        failed.setdefault(one["check_id"], {one["check_name"]}).add(one["resource"])
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
