"""What the program says of the machine, and what it does where the machine does not permit a sandbox."""

import json
import os
import shutil
import subprocess

import pytest

import conftest
from conftest import Server, need_tool, program_environment, run_program

ORDINARY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def run_as(prefix, *arguments):
    done = subprocess.run(
        [*prefix, conftest.PROGRAM, *arguments], capture_output=True, text=True, timeout=60, env=program_environment(), cwd="/"
    )
    conftest.assert_no_sanitizer_report(done.stdout + done.stderr)
    return done


def as_ordinary_user():
    """What to put before a command so that root runs it as nobody."""
    if os.geteuid() != 0:
        return []
    need_tool("setpriv")
    if subprocess.run([*ORDINARY, "test", "-x", conftest.PROGRAM], cwd="/").returncode:
        pytest.skip("an ordinary user may not run the program where it lies")
    return ORDINARY


def without_user_namespaces():
    """The same for a place in which nobody can make another user namespace."""
    need_tool("unshare")
    prefix = ["unshare", "--user", "--map-root-user", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("no user namespace can be made here to forbid others in")
    return prefix


def test_the_table():
    done = run_program("doctor")
    assert done.returncode == 0, done.stdout
    for line in ("kernel", "user namespaces", "landlock", "seccomp", "memory limits", "developer", "server", "python3.12", "nodejs22.x", "AWS SDKs"):
        assert f"\n  {line} " in done.stdout, line


def test_the_same_as_json():
    told = json.loads(run_program("doctor", "--json").stdout)
    assert told["root"] == (os.geteuid() == 0)
    assert told["kernel"] == os.uname().release
    assert told["memory"] in ("cgroup_v2", "cgroup_v1", "watchdog")
    assert [row["runtime"] for row in told["interpreters"]][0] == "python3.9"
    for row in told["interpreters"]:
        if row["runtime"].startswith("python") and row["path"]:
            code = "import importlib.util, sys; sys.exit(not importlib.util.find_spec('boto3'))"
            assert row["boto3"] == (subprocess.run([row["path"], "-sc", code], cwd="/").returncode == 0), row
        else:
            assert not row["boto3"], row
    if told["no_user_namespaces"] or told["no_native"]:
        pytest.skip(f"no native sandboxes here: {told}")
    assert told["developer"]["level"] == told["server"]["level"] == "native"
    assert told["developer"]["why"] and "warning" not in told["developer"]


def test_an_ordinary_user_has_the_same_level():
    if json.loads(run_program("doctor", "--json").stdout)["developer"]["level"] != "native":
        pytest.skip("no native sandboxes here")
    done = run_as(as_ordinary_user(), "doctor", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["root"], told["developer"]["level"], told["server"]["level"]) == (0, False, "native", "native")


def test_without_user_namespaces_the_server_profile_refuses_and_says_what_to_do(tmp_path):
    prefix = without_user_namespaces()
    refused = run_as(prefix, "serve", "--profile", "server", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0")
    assert refused.returncode == 1
    assert "sandbox=native is not possible here: " in refused.stderr, refused.stderr
    assert "max_user_namespaces" in refused.stderr and "doctor" in refused.stderr
    assert not (tmp_path / "data").exists(), "nothing was begun"
    told = json.loads(run_as(prefix, "doctor", "--json").stdout)
    assert told["server"]["level"] is None and told["server"]["why"] in refused.stderr
    # Nothing falls back to no isolation at all.
    assert told["developer"]["level"] in ("bwrap", "restricted", None)


def test_a_level_that_is_impossible_is_not_replaced_by_another():
    refused = run_as(without_user_namespaces(), "serve", "--ephemeral", "--sandbox", "native", "--listen", "127.0.0.1:0")
    assert refused.returncode == 1 and "sandbox=native is not possible here: " in refused.stderr


def test_the_first_lines_of_a_server_say_the_level():
    with Server("--ephemeral", "--sandbox", "off", command="serve") as server:
        line = server.wait_for_text("functions run at sandbox level off", kind="info")["text"]
        assert "asked for" in line and "network: host" in line and "memory: " in line
        server.wait_for_text("not isolated", kind="warning")


@pytest.mark.parametrize("level", ["off", "restricted"])
def test_an_isolated_network_wants_a_level_that_has_one(level):
    refused = run_program("serve", "--ephemeral", "--sandbox", level, "--network", "isolated", "--listen", "127.0.0.1:0")
    assert refused.returncode == 1
    assert "not possible" in refused.stderr and refused.stderr.count("\n") == 1


def test_egress_is_refused_with_a_reason():
    refused = run_program("serve", "--ephemeral", "--network", "egress")
    assert refused.returncode == 2 and "--network cannot be egress" in refused.stderr and "isolated" in refused.stderr


def test_what_a_killed_server_left_goes_with_the_next_start(tmp_path):
    environment = program_environment(TMPDIR=str(tmp_path))
    server = Server("--ephemeral", command="serve", environment=environment)
    stranger = tmp_path / "sallyport-abcdef"
    stranger.mkdir()  # without a lock it is not ours to remove
    with Server("--ephemeral", command="serve", environment=environment) as second:
        assert len(list(tmp_path.iterdir())) == 3, "the folder of a server that lives stays"
        second.stop()
    server.process.kill()
    server.process.wait()
    assert len(list(tmp_path.iterdir())) == 2
    with Server("--ephemeral", command="serve", environment=environment):
        assert len(list(tmp_path.iterdir())) == 2, "its own, and the stranger's"
    assert list(tmp_path.iterdir()) == [stranger]
    shutil.rmtree(stranger)
