"""Layers: modules and programs of /opt, what wins, and how long they live."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from aws import Cloud, zipped
from conftest import PATIENCE, Server, write_files

MODULE = "import shared\ndef handler(event, context):\n    return shared.VALUE\n"


@pytest.fixture(scope="module")
def cloud():
    with Server("--ephemeral", command="serve") as server:
        yield Cloud(server)


def publish(cloud, name, files, **more):
    made = cloud.client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": zipped(files)}, **more)
    return made["LayerVersionArn"]


def make(cloud, name, files, layers, **more):
    settings = {"Runtime": "python3.12", "Handler": "app.handler", "Timeout": 20, **more}
    return cloud.client("lambda").create_function(
        FunctionName=name, Role=cloud.make_role(), Code={"ZipFile": zipped(files)}, Layers=layers, **settings
    )


def call(cloud, name, event=None):
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}))
    assert "FunctionError" not in answer, answer["Payload"].read()
    return json.loads(answer["Payload"].read())


def test_a_python_module_of_a_layer(cloud):
    layer = publish(cloud, "shared", {"python/shared.py": "VALUE = 'from the layer'"})
    made = make(cloud, "imports", {"app.py": MODULE}, [layer])
    assert [each["Arn"] for each in made["Layers"]] == [layer]
    assert call(cloud, "imports") == "from the layer"


def test_where_python_looks(cloud):
    where = """
import os, shared, sys
OPT = os.path.dirname(os.path.dirname(shared.__file__))
def handler(event, context):
    return [place[len(OPT):] for place in sys.path if place.startswith(OPT)]
"""
    layer = publish(cloud, "places", {"python/shared.py": ""})
    make(cloud, "places", {"app.py": where}, [layer])
    assert call(cloud, "places")[:2] == ["/python/lib/python3.12/site-packages", "/python"]


def test_a_node_module_of_a_layer(cloud):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    module = {"nodejs/node_modules/shared/index.js": "exports.value = 'from the layer'", "nodejs/node_modules/shared/package.json": "{}"}
    layer = publish(cloud, "node-shared", module)
    code = "const shared = require('shared')\nexports.handler = async () => shared.value\n"
    make(cloud, "requires", {"index.js": code}, [layer], Runtime="nodejs20.x", Handler="index.handler")
    assert call(cloud, "requires") == "from the layer"


def test_a_program_and_a_library_folder_of_a_layer(cloud):
    runs = """
import os, subprocess
def handler(event, context):
    opt = subprocess.run(["tool"], capture_output=True, text=True).stdout.strip().removesuffix("/bin")
    try:
        open(opt + "/new", "w")
        writable = True
    except OSError:
        writable = False
    return {"libraries": opt + "/lib" in os.environ["LD_LIBRARY_PATH"].split(":"), "opt": opt, "writable": writable}
"""
    layer = publish(cloud, "tools", {"bin/tool": "#!/bin/sh\ndirname $0\n"})
    make(cloud, "runs", {"app.py": runs}, [layer])
    answer = call(cloud, "runs")
    assert answer["opt"] and answer["libraries"], answer
    if answer["opt"] == "/opt":
        assert not answer["writable"]


def test_later_layers_take_the_place_of_earlier_ones(cloud):
    layers = [
        publish(cloud, f"part-{number}", {"python/shared.py": f"VALUE = {number}", f"python/own_{number}.py": f"VALUE = {number}"})
        for number in range(1, 6)
    ]
    every = MODULE.replace("return shared.VALUE", "return [shared.VALUE] + [__import__(f'own_{n}').VALUE for n in range(1, 6)]")
    make(cloud, "five", {"app.py": every}, layers)
    assert call(cloud, "five") == [5, 1, 2, 3, 4, 5]
    client = cloud.client("lambda")
    client.update_function_configuration(FunctionName="five", Layers=layers[::-1])
    assert call(cloud, "five") == [1, 1, 2, 3, 4, 5]
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="Cannot reference more than 5 layers"):
        client.update_function_configuration(FunctionName="five", Layers=[*layers, publish(cloud, "part-6", {"x": ""})])


def test_a_published_version_keeps_its_layers(cloud):
    client = cloud.client("lambda")
    one, two = (publish(cloud, "kept", {"python/shared.py": f"VALUE = {number}"}) for number in (1, 2))
    make(cloud, "versions", {"app.py": MODULE}, [one], Publish=True)
    client.update_function_configuration(FunctionName="versions", Layers=[two])
    assert (call(cloud, "versions"), call(cloud, "versions:1")) == (2, 1)


def test_a_deleted_layer_goes_on_working_after_a_restart(tmp_path):
    with Server("--data", tmp_path / "data", command="serve") as server:
        cloud = Cloud(server)
        layers = [publish(cloud, f"gone-{number}", {"python/shared.py": f"VALUE = {number}"}) for number in (1, 2)]
        make(cloud, "uses", {"app.py": MODULE}, layers)
        for number in (1, 2):
            cloud.client("lambda").delete_layer_version(LayerName=f"gone-{number}", VersionNumber=1)
    with Server("--data", tmp_path / "data", command="serve") as server:
        cloud = Cloud(server)
        assert call(cloud, "uses") == 2
        client = cloud.client("lambda")
        with pytest.raises(client.exceptions.InvalidParameterValueException, match="does not exist"):
            make(cloud, "late", {"app.py": MODULE}, layers)


def test_files_stay_for_whoever_still_runs_and_go_then(tmp_path):
    # Longer than the server waits before it looks for files that nobody uses.
    late = "import time\ndef handler(event, context):\n    time.sleep(2.5)\n    import shared\n    return shared.VALUE\n"
    stored = tmp_path / "data" / "code"
    with Server("--data", tmp_path / "data", command="serve") as server, ThreadPoolExecutor(1) as threads:
        cloud, client = Cloud(server), Cloud(server).client("lambda")
        layers = [publish(cloud, f"short-lived-{number}", {"python/shared.py": f"VALUE = {number}"}) for number in (1, 2)]
        make(cloud, "late", {"app.py": late}, layers)
        began, answer = server.mark(), threads.submit(call, cloud, "late")
        server.wait_for_text("START RequestId", since=began, kind="platform")
        client.delete_function(FunctionName="late")
        for number in (1, 2):
            client.delete_layer_version(LayerName=f"short-lived-{number}", VersionNumber=1)
        assert client.get_account_settings()["AccountUsage"]["TotalCodeSize"] == 0
        assert answer.result(PATIENCE) == 2
        deadline = time.monotonic() + PATIENCE
        while any(stored.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [each.name for each in stored.iterdir()] == []


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: shared}
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: fn
      Runtime: python3.12
      Handler: app.handler
      CodeUri: code
      Layers: [!Ref Shared]
Outputs:
  Layer: {Value: !Ref Shared}
"""


def test_a_layer_of_a_template_is_used_in_place(tmp_path):
    write_files(tmp_path, {"template.yaml": TEMPLATE, "code/app.py": MODULE, "shared/python/shared.py": "VALUE = 'one'"})
    with Server(tmp_path) as server:
        cloud = Cloud(server)
        assert call(cloud, "fn") == "one"
        mark = server.mark()
        (tmp_path / "shared/python/shared.py").write_text("VALUE = 'another'")
        server.wait_for_text("reloaded", since=mark)
        assert call(cloud, "fn") == "another"
        layers = cloud.client("lambda").get_function_configuration(FunctionName="fn")["Layers"]
        assert layers[0]["Arn"].endswith(":layer:Shared:2"), "another version"


def test_what_makes_a_sandbox_readable(cloud):
    """Files of packages are readable inside, whatever modes the package gives them."""
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, text in {"python/shared.py": "VALUE = 'read'", "python/deep/er/x": ""}.items():
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = 0o600 << 16
            package.writestr(entry, text)
    made = cloud.client("lambda").publish_layer_version(LayerName="closed", Content={"ZipFile": out.getvalue()})
    make(cloud, "reads", {"app.py": MODULE}, [made["LayerVersionArn"]])
    assert call(cloud, "reads") == "read"


def test_tmp_has_the_size_it_was_given(cloud):
    sizes = """
import os
def handler(event, context):
    disk = os.statvfs("/tmp")
    return disk.f_blocks * disk.f_frsize >> 20
"""
    make(cloud, "small", {"app.py": sizes}, [])
    make(cloud, "large", {"app.py": sizes}, [], EphemeralStorage={"Size": 700})
    if "sandbox level native" not in "\n".join(cloud.server.errors + cloud.server.lines):
        pytest.skip("only a mount of its own has a size")
    assert (call(cloud, "small"), call(cloud, "large")) == (512, 700)
