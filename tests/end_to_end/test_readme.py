"""The README's example runs as it is written."""

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def test_the_first_sale_of_the_readme(stack, api):
    organization = stack.create_organization("Readme", f"readme-{os.urandom(4).hex()}")
    (script,) = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert ". .polar/env\n" in script
    environment = {
        **os.environ,
        "POLAR_API_URL": str(api.base_url).rstrip("/"),
        "POLAR_ACCESS_TOKEN": organization["access_token"],
    }
    # The variables are this run's own instead of those of the stack that may run beside it.
    command = ["bash", "-euo", "pipefail", "-c", script.replace(". .polar/env\n", "")]
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    order = json.loads(done.stdout)
    assert (order["status"], order["total_amount"]) == ("paid", 2900)
