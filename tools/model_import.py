#!/usr/bin/env python3
"""model_import.py [--any-version] [SERVICE ...]: writes models/<service>.api.json from the models in an installed botocore.

Run by hand when the models are to change; the build reads what is committed. Prose is dropped. Of every service all operations are kept
with name, method and path; input, output, errors and the shapes below them only of those that models/operations.txt lists.
"""
import argparse
import gzip
import importlib.metadata
import importlib.util
import json
import pathlib

VERSION = "1.43.11"
SERVICES = {"apigateway": "2015-07-09", "apigatewayv2": "2018-11-29", "cognito-idp": "2016-04-18", "iam": "2010-05-08", "lambda": "2015-03-31", "logs": "2014-03-28", "sts": "2011-06-15"}
ROOT = pathlib.Path(__file__).resolve().parent.parent

SERVICE_KEYS = ("apiVersion", "endpointPrefix", "jsonVersion", "protocol", "serviceId", "signingName", "targetPrefix", "xmlNamespace")
SHAPE_KEYS = ("type", "required", "members", "payload", "member", "key", "value", "flattened", "enum", "min", "max", "pattern", "timestampFormat",
              "sensitive", "streaming", "eventstream", "error", "exception", "fault")
MEMBER_KEYS = ("shape", "location", "locationName", "idempotencyToken", "flattened", "xmlNamespace", "xmlAttribute", "timestampFormat",
               "jsonvalue", "enum", "queryName", "streaming", "eventpayload", "eventheader")
# What has no meaning for a server, or is told by another key. A key that is in neither list stops the import: it may mean something.
DROPPED = {"documentation", "deprecated", "deprecatedMessage", "deprecatedSince", "box", "synthetic", "wrapper", "event", "document"}


def pick(thing, keys, what):
    unknown = set(thing) - set(keys) - DROPPED
    if unknown:
        raise SystemExit(f"model_import: {what} has keys this tool does not know: {', '.join(sorted(unknown))}")
    return {key: thing[key] for key in keys if key in thing}


def trim_shape(name, shape):
    out = pick(shape, SHAPE_KEYS, name)
    if "members" in out:
        out["members"] = {member: pick(of, MEMBER_KEYS, f"{name}.{member}") for member, of in shape["members"].items()}
    for part in ("member", "key", "value"):
        if part in out:
            out[part] = pick(shape[part], MEMBER_KEYS, f"{name}.{part}")
    return out


def reach(shapes, name, found):
    if name in found:
        return
    found.add(name)
    shape = shapes[name]
    for part in [*shape.get("members", {}).values(), *(shape[p] for p in ("member", "key", "value") if p in shape)]:
        reach(shapes, part["shape"], found)


def trim_operation(operation, is_wanted, shapes, found):
    http = operation["http"]
    out = {"method": http["method"], "uri": http["requestUri"]}
    if "responseCode" in http:
        out["status"] = http["responseCode"]
    if operation.get("authtype") == "none":
        out["unsigned"] = True
    if not is_wanted:
        return out
    for part in ("input", "output"):
        out[part] = operation[part]["shape"] if part in operation else None
        if part in operation:
            reach(shapes, operation[part]["shape"], found)
    if "resultWrapper" in operation.get("output", {}):
        out["resultWrapper"] = operation["output"]["resultWrapper"]
    out["errors"] = [error["shape"] for error in operation.get("errors", [])]
    for error in out["errors"]:
        reach(shapes, error, found)
    return out


def trim(service, model, wanted):
    """The committed form of a model."""
    missing = wanted - set(model["operations"])
    if missing:
        raise SystemExit(f"model_import: {service} has no operation {', '.join(sorted(missing))}; correct models/operations.txt")
    shapes, found = model["shapes"], set()
    operations = {name: trim_operation(operation, name in wanted, shapes, found) for name, operation in sorted(model["operations"].items())}
    metadata = {key: model["metadata"][key] for key in SERVICE_KEYS if key in model["metadata"]}
    return {"service": {"name": service, **metadata}, "operations": operations,
            "shapes": {name: trim_shape(name, shapes[name]) for name in sorted(found)}}


def to_text(model):
    """JSON with one line for each operation and each shape, so that a change of a model can be read as a diff."""
    def one_a_line(things):
        return ",\n".join(f"  {json.dumps(name)}: {json.dumps(thing, ensure_ascii=False)}" for name, thing in things.items())

    return (f'{{\n"service": {json.dumps(model["service"])},\n"operations": {{\n{one_a_line(model["operations"])}\n}},\n'
            f'"shapes": {{\n{one_a_line(model["shapes"])}\n}}\n}}\n')


def read_wanted(path):
    wanted = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            service, operation = line.split()
            wanted.setdefault(service, set()).add(operation)
    return wanted


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--any-version", action="store_true", help=f"take another botocore than {VERSION}")
    parser.add_argument("services", nargs="*", default=list(SERVICES))
    arguments = parser.parse_args()
    version = importlib.metadata.version("botocore")
    if version != VERSION and not arguments.any_version:
        raise SystemExit(f"model_import: botocore {version} is installed, the models are from {VERSION}; install that one, or say --any-version and read the diff")
    data = pathlib.Path(importlib.util.find_spec("botocore").origin).parent / "data"
    wanted = read_wanted(ROOT / "models/operations.txt")
    for service in arguments.services:
        model = json.loads(gzip.decompress((data / service / SERVICES[service] / "service-2.json.gz").read_bytes()))
        out = ROOT / f"models/{service}.api.json"
        out.write_text(to_text(trim(service, model, wanted.get(service, set()))), encoding="utf-8")
        print(f"{out.relative_to(ROOT)}: {len(model['operations'])} operations, {len(wanted.get(service, set()))} with shapes")


if __name__ == "__main__":
    main()
