"""The black-box probe of the conformance material, through the official SDK and plain HTTP, where the material is."""

import json
import subprocess
import sys

import pytest

from conftest import Server

# Parts that are not built yet, by the beginnings of the checks' names, and single checks that contradict what we follow.
LATER = (
    # The 2025 texts of AWS name the policy (docs/semantics.md); this check wants the shorter text of before.
    "token.implicit-deny",
)
PROBE_TIME = 300


def test_gateway_probe(conformance, tmp_path):
    pytest.importorskip("boto3", reason="boto3 is not installed")
    results = tmp_path / "results.json"
    # The probe grants function URLs one of the two permissions that AWS has asked for since November 2026.
    with Server("--ephemeral", "--compatible-urls", command="serve") as server:
        command = [sys.executable, conformance / "gateway_probe.py", server.origin, "--json", results]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=PROBE_TIME)
    told = [line for line in done.stdout.splitlines() if line.startswith("FAIL ")]
    unexpected = [line for line in told if not line.removeprefix("FAIL ").startswith(LATER)]
    assert not unexpected, "\n".join(unexpected)
    assert " passed, " in done.stdout.splitlines()[-1], done.stdout[-2000:] + done.stderr[-2000:]
    assert json.loads(results.read_text())
