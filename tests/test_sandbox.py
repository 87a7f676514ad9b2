"""The attack program at every level, through the real server: what each stops, and that nothing it does reaches another function."""

import os
import pathlib
import platform
import shutil
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "attack"))

import attack
from campaign import Campaign
from levels import LEVELS, RESTRICTED_BEFORE_6_12
from conftest import PATIENCE, handles_of, processes_below, wait_until_ended

USERS = ("root", "ordinary")
MIB = 1024 * 1024


def open_ones(results):
    return {name: detail for name, (_, _, outcome, detail) in results.items() if outcome != "blocked"}


@pytest.mark.parametrize("user", USERS)
def test_native_stops_every_probe(user):
    with Campaign("native", "isolated", user) as campaign:
        calls = campaign.check()
        results = campaign.probe()
        assert len(results) == len(attack.PROBES) >= 60
        assert open_ones(results) == {}
        campaign.check(calls)


@pytest.mark.parametrize("title", [title for title in LEVELS if title != "native"])
def test_other_levels_stop_what_they_say(title):
    level, network, may_allow = LEVELS[title]
    if level == "bwrap" and not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed")
    with Campaign(level, network, "ordinary") as campaign:
        found = open_ones(campaign.probe())
        if may_allow is None:
            assert {"other_function_code", "host_passwd", "signal_server", "unshare_user"} <= set(found), "the probes can tell"
            return
        if level == "restricted" and "landlock_scopes" not in kernel_features():
            may_allow = RESTRICTED_BEFORE_6_12
        assert set(found) <= may_allow, {name: detail for name, detail in found.items() if name not in may_allow}
        campaign.check()


def kernel_features():
    major, minor = (int(part) for part in platform.release().split(".")[:2])
    return {"landlock_scopes"} if (major, minor) >= (6, 12) else set()


@pytest.fixture(scope="module", params=USERS)
def campaign(request):
    with Campaign("native", "isolated", request.param) as campaign:
        yield campaign


def counted(campaign, name, maximum, **more):
    calls = campaign.check()
    told, error = campaign.flood(name, **more)
    assert error is None, told
    assert 0 < told["count"] <= maximum, told
    campaign.check(calls)
    return told


@pytest.mark.parametrize("name", ["forks", "threads"])
def test_processes_end_at_a_limit(campaign, name):
    calls = campaign.check()
    told, error = campaign.flood(name)
    # A thousand interpreters may also be more than the function's memory.
    assert told["count"] <= 1024 if error is None else told["errorType"] == "Runtime.OutOfMemory", told
    campaign.check(calls)


@pytest.mark.parametrize(
    "name,maximum", [("descriptors", 1024), ("sockets", 1024), ("inotify", 1024), ("pipes", 1024)]
)
def test_floods_end_at_a_limit(campaign, name, maximum):
    counted(campaign, name, maximum)


def test_tmp_is_full_when_it_is_full(campaign):
    calls = campaign.check()
    told, error = campaign.flood("disk")
    assert error is None, told
    assert told["stopped"] == "ENOSPC" and 450 <= told["megabytes"] <= 512, told
    campaign.check(calls)


def test_so_many_files(campaign):
    calls = campaign.check()
    told, error = campaign.flood("files")
    assert error is None, told
    campaign.check(calls)


def test_memory_is_kept(campaign):
    calls = campaign.check()
    told, error = campaign.flood("memory", function="small")
    assert error == "Unhandled" and "memory" in str(told).lower() + str(told.get("errorType", "")).lower() or "signal: killed" in str(told), told
    campaign.check(calls)


@pytest.mark.parametrize("name", ["fork_bomb", "spin", "sleep"])
def test_what_does_not_end_is_ended(campaign, name):
    calls = campaign.check()
    began = time.monotonic()
    told, error = campaign.flood(name, function="small")
    assert error == "Unhandled", told
    assert "Task timed out after 3.00 seconds" in told["errorMessage"] or "exited" in told["errorMessage"].lower(), told
    assert time.monotonic() - began < 15
    campaign.check(calls)
    assert campaign.flood("nothing", function="small") == ("nothing", None)


def test_killing_everything_hits_nobody_else(campaign):
    calls = campaign.check()
    told, error = campaign.flood("kill_all", function="small")
    assert error == "Unhandled", told
    campaign.check(calls)
    assert campaign.flood("nothing", function="small") == ("nothing", None)


@pytest.mark.parametrize("name", ["garbage", "huge_frame", "half_answer"])
def test_a_broken_channel_ends_the_environment(campaign, name):
    calls = campaign.check()
    told, error = campaign.flood(name, function="small")
    assert error == "Unhandled", told
    campaign.check(calls)
    assert campaign.flood("nothing", function="small") == ("nothing", None)


def test_answers_to_other_events_are_nobodys(campaign):
    calls = campaign.check()
    assert campaign.flood("forged_answer") == ("its own", None)
    told, error = campaign.flood("two_answers")
    assert (told, error) == ("first", None), "the first counts"
    assert campaign.flood("nothing") == ("nothing", None), "the others are no answers to the next event"
    assert campaign.flood("late_child") == ("in time", None)
    assert campaign.flood("nothing") == ("nothing", None)
    campaign.check(calls)


def test_too_large_an_answer(campaign):
    calls = campaign.check()
    told, error = campaign.flood("big_answer")
    assert error == "Unhandled" and told["errorType"] == "Function.ResponseSizeTooLarge", str(told)[:300]
    campaign.check(calls)


@pytest.mark.parametrize("user", USERS)
def test_nothing_is_left_behind(user):
    def groups():  # not by glob, which fails when a group goes while it looks
        return {pathlib.Path(at, name) for at, names, _ in os.walk("/sys/fs/cgroup") for name in names if name.startswith("sallyport-")}

    mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    groups_before = groups()
    with Campaign("native", "isolated", user) as campaign:
        campaign.flood("sleep", function="small")
        campaign.flood("nothing", function="small")
        server = campaign.server.process.pid
        handles = handles_of(processes_below(server))
        ours = {path for path in groups() - groups_before if int(path.name.removeprefix("sallyport-").split("-")[0]) in processes_below(server)}
    assert len(handles) >= 4, "a spawner, and inits with their programs"
    wait_until_ended(*handles)
    assert pathlib.Path("/proc/self/mountinfo").read_text() == mounts
    assert not [path for path in ours if path.exists()]


class Custom:
    """The function whose runtime breaks the rules."""

    def __init__(self, campaign):
        self.campaign = campaign

    def tries(self, what):
        return self.campaign.invoke("custom", {"try": what, "dead": self.campaign.targets["dead_id"]})

    def told(self):
        told, error = self.tries("tell")
        assert error is None, told
        return told


def test_the_runtime_api_takes_answers_to_the_event_in_hand_alone(campaign):
    calls, custom = campaign.check(), Custom(campaign)
    assert custom.tries("foreign") == ("own answer", None)
    statuses = custom.told()
    assert len(statuses) == 12 and all(400 <= status < 500 or status == 0 for status in statuses), statuses
    assert custom.tries("twice") == ("own answer", None)
    statuses = custom.told()
    assert len(statuses) == 2 and all(400 <= status < 500 for status in statuses), statuses
    campaign.check(calls)


def test_the_runtime_api_survives_what_is_no_request(campaign):
    calls, custom = campaign.check(), Custom(campaign)
    assert custom.tries("garbage") == ("own answer", None)
    assert all(status == 0 or status >= 400 for status in custom.told())
    assert custom.tries("connections") == ("own answer", None)
    custom.told()
    told, error = custom.tries("half")
    assert error == "Unhandled", told
    assert custom.tries("nothing") == ("own answer", None)
    told, error = custom.tries("big")
    assert error == "Unhandled" and told["errorType"] == "Function.ResponseSizeTooLarge", str(told)[:300]
    assert custom.told() == [413]
    campaign.check(calls)


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


class Others:
    """Calls the victim all the while, and keeps the longest time it took."""

    def __init__(self, campaign):
        self.campaign, self.stop, self.longest, self.failed = campaign, threading.Event(), 0.0, None
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                self.campaign.victim()
            except Exception as problem:
                self.failed = problem
                return
            self.longest = max(self.longest, time.monotonic() - began)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(PATIENCE)
        assert self.failed is None, self.failed


@pytest.mark.parametrize("name,megabytes", [("log", 1024), ("log_without_end", 256)])
def test_a_flood_of_log_lines_fills_no_memory(campaign, name, megabytes):
    before = resident_kib(campaign.server.process.pid)
    campaign.server.deaf = True
    with Others(campaign) as others:
        told, error = campaign.flood(name, log_megabytes=megabytes)
    campaign.server.deaf = False
    # It may also have been too slow for its time; what it may not do is to take the server with it.
    assert error is None or "timed out" in told["errorMessage"], told
    assert resident_kib(campaign.server.process.pid) - before < 200 * 1024
    assert others.longest < 10
    campaign.check()
