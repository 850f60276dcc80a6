"""`make check`'s policy checks: what checkov finds in the translated template, beside what template.yaml explains.

    python -m local.policy PATH_OF_CHECKOV

Each check that is not met stands with its reason under `Metadata: checkov: skip` in template.yaml, and only such.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from local.template import Template


def main(checkov: str) -> int:
    """Print each check that is not met and not explained, or explained and met. The exit code: 0 where none is."""
    template = Template.read()
    explained = {skip["id"] for skip in template.sam["Metadata"]["checkov"]["skip"]}
    failed = _failed(checkov, template.translated())
    for check, found in sorted(failed.items()):
        if check not in explained:
            print(f"{check}: {'; '.join(sorted(found))}")
    for check in sorted(explained - failed.keys()):
        print(f"{check}: is explained in template.yaml and not found; take it out there")
    return int(failed.keys() != explained)


def _failed(checkov: str, cloudformation: dict[str, object]) -> dict[str, set[str]]:
    """The checks that are not met, by id: their name and each resource. All resources are looked at."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.json"
        file.write_text(json.dumps(cloudformation))
        # --skip-download: checkov asks its maker's server for links to explanations otherwise.
        command = [checkov, "--file", str(file), "--framework", "cloudformation", "--skip-download", "--output", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    told = json.loads(done.stdout)
    if told["summary"]["parsing_errors"] or told["summary"]["resource_count"] < len(cloudformation["Resources"]):  # type: ignore[arg-type]
        raise RuntimeError(f"checkov did not read the whole template: {told['summary']}")
    failed: dict[str, set[str]] = {}
    for one in told["results"]["failed_checks"]:
        failed.setdefault(one["check_id"], {one["check_name"]}).add(one["resource"])
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
