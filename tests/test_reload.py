"""Reloading while requests are served."""

import os
import signal
import threading

import pytest

from clients import expect_not_found
from conftest import replace_file, write_files
from hello import CODE, GOOD, GOOD_FILES, word


def wait_for_reload_to(server, text, since):
    """A save that is more than one change on the disk (a file that is written beside the other and renamed, a folder and what is in it) may
    be looked at before it is whole, and again; and the line of an earlier save's last look may still be on its way. One of the reloads that
    are told after the mark has the save, and the next request is served by it."""

    def served(event):
        return "reloaded" in event.get("text", "") and word(server).startswith(text)

    server.wait_for(served, since=since, what=f"a reload that serves {text!r}")


def test_edited_handler_answers_without_a_restart(serve_files, tmp_path):
    server = serve_files(GOOD_FILES)
    before = server.api().call("/hello").text
    mark = server.mark()
    (tmp_path / "hello/app.py").write_text(CODE.replace("one", "two"))
    server.wait_for_text("reloaded", since=mark)
    after = server.api().call("/hello").text
    assert after.startswith("two ") and after.split()[-1] != before.split()[-1]
    mark = server.mark()
    replace_file(tmp_path / "hello/app.py", CODE.replace("one", "three"))
    wait_for_reload_to(server, "three ", mark)


def test_edit_of_the_same_size_in_the_same_second_is_served(serve_files, tmp_path):
    """Python's byte code cache looks at the size and the whole seconds of a source file only."""
    write_files(tmp_path, GOOD_FILES)
    code = tmp_path / "hello/app.py"
    second = code.stat().st_mtime_ns // 10**9 * 10**9
    os.utime(code, ns=(second + 100_000_000,) * 2)
    server = serve_files({})
    assert word(server).startswith("one ")
    mark = server.mark()
    edited = tmp_path / "app.py.edited"
    edited.write_text(CODE.replace("one", "two"))
    os.utime(edited, ns=(second + 900_000_000,) * 2)
    os.replace(edited, code)
    server.wait_for_text("reloaded", since=mark)
    assert word(server).startswith("two ")


def test_new_file_and_new_folder_of_the_code_are_noticed(serve_files, tmp_path):
    server = serve_files(GOOD_FILES)
    word(server)
    mark = server.mark()
    (tmp_path / "hello/helper.py").write_text("WORD = 'helped'\n")
    server.wait_for_text("reloaded", since=mark)
    mark = server.mark()
    write_files(tmp_path, {"hello/package/__init__.py": "WORD = 'packaged'\n"})
    server.wait_for_text("reloaded", since=mark)
    mark = server.mark()
    (tmp_path / "hello/package/__init__.py").write_text("WORD = 'packaged twice'\n")
    server.wait_for_text("reloaded", since=mark)
    mark = server.mark()
    (tmp_path / "hello/app.py").write_text("import helper, package\n" + CODE.replace("one", "{helper.WORD} {package.WORD}"))
    wait_for_reload_to(server, "helped packaged twice ", mark)


def test_running_functions_leave_no_reload_behind(serve_files, tmp_path):
    """What functions write into __pycache__ or read is no change."""
    server = serve_files(GOOD_FILES)
    mark = server.mark()
    word(server)
    write_files(tmp_path, {"hello/__pycache__/app.cpython-311.pyc": b"x", "hello/node_modules/a/index.js": "x"})
    word(server)
    # A change that counts comes after all that: the reload it causes is the first.
    (tmp_path / "hello/app.py").write_text(CODE.replace("one", "two"))
    server.wait_for_text("reloaded", since=mark)
    assert word(server).startswith("two ")
    assert sum("reloaded" in event.get("text", "") for event in server.events[mark:]) == 1


def test_changed_template_is_served(serve_files, tmp_path):
    server = serve_files(GOOD_FILES)
    api = server.api()
    expect_not_found(api.call("/new"))
    mark = server.mark()
    (tmp_path / "template.yaml").write_text(GOOD.replace("Path: /hello", "Path: /new").replace("fallback", "changed"))
    server.wait_for_text("reloaded", since=mark)
    assert word(server, "/new") == "one changed! no"
    expect_not_found(api.call("/hello"))
    assert [row["path"] for row in server.routes()] == ["/new"]


@pytest.mark.parametrize(
    "broken",
    [GOOD.replace("Runtime:", "Runtim:"), GOOD + "\n  [", "", GOOD.replace("CodeUri: hello", "CodeUri: gone")],
    ids=["property", "syntax", "empty", "code"],
)
def test_broken_template_leaves_the_old_one_serving(serve_files, tmp_path, broken):
    server = serve_files(GOOD_FILES)
    process = server.api().call("/hello").text.split()[-1]
    mark = server.mark()
    (tmp_path / "template.yaml").write_text(broken)
    server.wait_for_text("the last good version goes on serving", since=mark, kind="warning")
    assert any("template.yaml" in event.get("text", "") for event in server.events[mark:] if event.get("kind") == "warning")
    answer = server.api().call("/hello")
    assert answer.status == 200 and answer.text.split()[-1] == process, "the warm process goes on too"
    mark = server.mark()
    (tmp_path / "template.yaml").write_text(GOOD.replace("fallback", "mended"))
    server.wait_for_text("reloaded", since=mark)
    assert word(server) == "one mended! no"


def test_what_did_not_change_keeps_its_warm_process(serve_files, tmp_path):
    template = GOOD.replace(
        "  Api:\n",
        """\
  Other:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: other
      Environment: {Variables: {WORD: w, PROD: p}}
      Events:
        Get: {Type: Api, Properties: {Path: /other, Method: get, RestApiId: !Ref Api}}
  Api:
""",
    )
    server = serve_files({**GOOD_FILES, "template.yaml": template, "other/app.py": CODE})
    hello, other = (server.api().call(path).text.split()[-1] for path in ("/hello", "/other"))
    mark = server.mark()
    (tmp_path / "other/app.py").write_text(CODE + "\n# changed\n")
    server.wait_for_text("reloaded", since=mark)
    assert server.api().call("/hello").text.split()[-1] == hello
    assert server.api().call("/other").text.split()[-1] != other


def test_sighup_reloads(serve_files, tmp_path):
    server = serve_files(GOOD_FILES, "--no-watch")
    (tmp_path / "template.yaml").write_text(GOOD.replace("fallback", "by signal"))
    assert word(server) == "one fallback! no"
    mark = server.mark()
    server.signal(signal.SIGHUP)
    server.wait_for_text("reloaded", since=mark)
    assert word(server) == "one by signal! no"


def test_requests_under_way_survive_a_reload(serve_files, tmp_path):
    server = serve_files(GOOD_FILES)
    api = server.api()
    answers = []
    mark = server.mark()
    slow = threading.Thread(target=lambda: answers.append(api.call("/hello?sleep=1.5")))
    slow.start()
    server.wait_for_text("asleep", since=mark, kind="function")
    (tmp_path / "hello/app.py").write_text(CODE.replace("one", "two"))
    server.wait_for_text("reloaded", since=mark)
    assert word(server).startswith("two ")
    slow.join()
    assert answers[0].status == 200 and answers[0].text.startswith("one ")


def test_error_of_a_saved_function_shows_before_anybody_calls_it(serve_files, tmp_path):
    server = serve_files(GOOD_FILES)
    word(server)
    mark = server.mark()
    replace_file(tmp_path / "hello/app.py", CODE + "\ndef broken(:\n")
    server.wait_for_text("Runtime.UserCodeSyntaxError", since=mark)
    mark = server.mark()
    replace_file(tmp_path / "hello/app.py", "print('loads again')\n" + CODE.replace("one", "mended"))
    server.wait_for_text("loads again", since=mark, kind="function")
    assert word(server).startswith("mended ")


def test_each_save_is_served_by_the_next_request(serve_files, tmp_path):
    """As fast as somebody can save and ask, and also when a save comes while the one before is being taken in."""
    server = serve_files(GOOD_FILES)
    word(server)
    for number in range(20):
        mark = server.mark()
        replace_file(tmp_path / "hello/app.py", CODE.replace("one", f"save{number}"))
        if number % 3 == 0:
            replace_file(tmp_path / "hello/app.py", CODE.replace("one", f"again{number}"))
            server.wait_for(lambda _: word(server).startswith(f"again{number} "), since=0, what="the second save")
        else:
            wait_for_reload_to(server, f"save{number} ", mark)
