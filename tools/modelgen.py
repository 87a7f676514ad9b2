#!/usr/bin/env python3
"""modelgen.py MODEL.api.json [MODEL.overlay.json] OUT.inc: writes a model as constexpr tables of the types in src/wire/model.hpp.

An overlay corrects what is published: {"service": {...}, "shapes": {"Name": {...}}}, where an entry replaces keys of the shape, names keys
to take away in "drop", members to add in "add_members", and says "reason" and "evidence". "new" has shapes the published model does not
know yet, with the same two. For a pattern that RE2 cannot express, "match" and "unlike" say the same in two
patterns; "sentence" is the text of a service that has its own.
"""
import json
import pathlib
import re
import sys

KINDS = {"structure": "structure", "list": "list", "map": "map", "string": "string", "integer": "integer", "long": "integer", "double": "real",
         "float": "real", "boolean": "boolean", "blob": "blob", "timestamp": "timestamp"}
LOCATIONS = {None: "body", "uri": "uri", "querystring": "query", "header": "header", "statusCode": "status_code"}
PROTOCOLS = {"rest-json": "rest_json", "json": "json_1_1", "query": "query"}
# Traits that would change what travels and that no codec in src/wire knows.
UNSUPPORTED = ("xmlAttribute", "jsonvalue", "queryName", "xmlNamespace")


class Refused(Exception):
    pass


def text(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def boolean(value):
    return "true" if value else "false"


def to_re2(pattern, shape):
    """A Java pattern in RE2's dialect, which has no look-around and other escapes for characters."""
    if re.search(r"\(\?(=|!|<=|<!|>)|\\[1-9]|[*+?}]\+", pattern):
        raise Refused(f"{shape}: RE2 cannot express {pattern}; say it with match and unlike in the overlay")
    pattern = re.sub(r"\\u([0-9A-Fa-f]{4})", r"\\x{\1}", pattern)
    return pattern.replace(r"\p{Print}", "[[:print:]]").replace(r"\p{Graph}", "[[:graph:]]").replace(r"\p{Punct}", "[[:punct:]]")


def apply_overlay(model, overlay):
    model["service"].update(overlay.get("service", {}))
    for name, shape in overlay.get("new", {}).items():
        if name in model["shapes"]:
            raise Refused(f"overlay: the model has the shape {name} by now; take it out of new")
        if not shape.get("reason") or not shape.get("evidence"):
            raise Refused(f"overlay: {name} says no reason or no evidence")
        model["shapes"][name] = {key: value for key, value in shape.items() if key not in ("reason", "evidence")}
    for name, change in overlay.get("shapes", {}).items():
        if name not in model["shapes"]:
            raise Refused(f"overlay: the model has no shape {name}")
        if not change.get("reason") or not change.get("evidence"):
            raise Refused(f"overlay: {name} says no reason or no evidence")
        shape = model["shapes"][name]
        for key in change.get("drop", []):
            if key not in shape:
                raise Refused(f"overlay: {name} has no {key} to drop")
            del shape[key]
        for member, target in change.get("add_members", {}).items():
            if member in shape.get("members", {}):
                raise Refused(f"overlay: {name} has the member {member} by now; take it out of add_members")
            shape.setdefault("members", {})[member] = target
        shape.update({key: value for key, value in change.items() if key not in ("drop", "add_members", "reason", "evidence")})


class Tables:
    def __init__(self, model):
        self.model, self.shapes = model, model["shapes"]
        self.index = {name: number for number, name in enumerate(self.shapes)}
        self.arrays = []  # what the shapes point to
        self.namespace = model["service"]["name"].replace("-", "_")

    def pointer(self, name):
        return f"&shapes[{self.index[name]}]" if name is not None else "nullptr"

    def member(self, name, member, required):
        refuse_unsupported(name, member)
        if member.get("location") not in LOCATIONS:
            raise Refused(f"{name}: no codec knows the location {member['location']}")
        return (f"{{.name = {text(name)}, .wire_name = {text(member.get('locationName', name))}, .shape = {self.pointer(member['shape'])}, "
                f".location = Location::{LOCATIONS[member.get('location')]}, .required = {boolean(name in required)}, "
                f".idempotency_token = {boolean(member.get('idempotencyToken'))}}}")

    def array(self, name, kind, items):
        self.arrays.append(f"constexpr {kind} {name}[] = {{\n" + "".join(f"    {item},\n" for item in items) + "};\n")

    def shape(self, name, shape):
        refuse_unsupported(name, shape)
        number = self.index[name]
        fields = [f".kind = Kind::{KINDS[shape['type']]}", f".name = {text(name)}"]
        members = shape.get("members", {})
        if members:
            self.array(f"members_{number}", "Member", [self.member(key, member, shape.get("required", [])) for key, member in members.items()])
            fields.append(f".members = members_{number}")
            if "payload" in shape:
                fields.append(f".payload = &members_{number}[{list(members).index(shape['payload'])}]")
        if "key" in shape:
            fields.append(f".key = {self.pointer(shape['key']['shape'])}")
        element = shape.get("value") or shape.get("member")
        if element:
            fields.append(f".element = {self.pointer(element['shape'])}")
        fields += [f".{bound} = {float(shape[bound])!r}" for bound in ("min", "max") if bound in shape]
        if "pattern" in shape:
            match = shape.get("match") or to_re2(shape["pattern"], name)
            parts = [shape["pattern"], match, shape.get("unlike", ""), shape.get("sentence", "")]
            self.arrays.append(f"constexpr Pattern pattern_{number}{{{', '.join(map(text, parts))}}};\n")
            fields.append(f".pattern = &pattern_{number}")
        if "enum" in shape:
            self.array(f"values_{number}", "std::string_view", [text(value) for value in shape["enum"]])
            fields.append(f".values = values_{number}")
        for key, field in (("flattened", "flattened"), ("sensitive", "sensitive"), ("eventstream", "event_stream")):
            if shape.get(key):
                fields.append(f".{field} = true")
        if "timestampFormat" in shape:
            fields.append(".iso8601 = true")
        if shape.get("exception"):
            error = shape.get("error", {})
            status = error.get("httpStatusCode", 500 if shape.get("fault") else 400)
            fields += [f".status = {status}", f".code = {text(error.get('code', name))}"]
        return "    {" + ", ".join(fields) + "},\n"

    def operation(self, number, name, operation):
        fields = [f".name = {text(name)}", f".method = {text(operation['method'])}", f".uri = {text(operation['uri'])}"]
        if "status" in operation:
            fields.append(f".status = {operation['status']}")
        if "input" in operation:
            fields += [".has_shapes = true", f".input = {self.pointer(operation['input'])}", f".output = {self.pointer(operation['output'])}"]
            if "resultWrapper" in operation:
                fields.append(f".result_wrapper = {text(operation['resultWrapper'])}")
            if operation["errors"]:
                self.array(f"errors_{number}", "const Shape*", [self.pointer(error) for error in operation["errors"]])
                fields.append(f".errors = errors_{number}")
        if operation.get("unsigned"):
            fields.append(".is_unsigned = true")
        return "    {" + ", ".join(fields) + "},\n"

    def service(self):
        service = self.model["service"]
        protocol = PROTOCOLS[service["protocol"]]
        code = service.get("validationCode", "ValidationError" if protocol == "query" else "ValidationException")
        errors = [name for name, shape in self.shapes.items() if shape.get("exception")]
        errors.sort(key=lambda name: self.shapes[name].get("error", {}).get("code", name))
        if errors:
            self.array("errors", "const Shape*", [self.pointer(name) for name in errors])
        return (f"constexpr ServiceModel model{{.name = {text(service['name'])}, "
                f".signing_name = {text(service.get('signingName', service['endpointPrefix']))},\n"
                f"    .protocol = Protocol::{protocol}, .target_prefix = {text(service.get('targetPrefix', ''))}, "
                f".api_version = {text(service['apiVersion'])},\n    .xml_namespace = {text(service.get('xmlNamespace', ''))}, "
                f".validation_code = {text(code)}, .body_paths_begin_with_input = {boolean(service.get('bodyPathsBeginWithInput'))},\n"
                f"    .operations = operations, .shapes = shapes{', .errors = errors' if errors else ''}}};\n")

    def write(self):
        shapes = "".join(self.shape(name, shape) for name, shape in self.shapes.items())
        operations = sorted(self.model["operations"].items())
        operations = "".join(self.operation(number, name, operation) for number, (name, operation) in enumerate(operations))
        service = self.service()
        count = len(self.shapes)
        return (f"// Made by tools/modelgen.py.\nnamespace {self.namespace} {{\nextern const Shape shapes[{count}];\n{''.join(self.arrays)}"
                f"constexpr Shape shapes[{count}] = {{\n{shapes}}};\nconstexpr Operation operations[] = {{\n{operations}}};\n{service}"
                f"}}  // namespace {self.namespace}\n")


def refuse_unsupported(name, thing):
    if thing.get("timestampFormat", "iso8601") != "iso8601" or ("timestampFormat" in thing and thing.get("type") != "timestamp"):
        raise Refused(f"{name}: no codec knows this timestampFormat")
    for trait in UNSUPPORTED:
        if trait in thing:
            raise Refused(f"{name}: no codec knows the trait {trait}")
    for part in ("member", "key", "value"):
        if set(thing.get(part, {})) - {"shape"}:
            raise Refused(f"{name}: no codec knows the traits of its {part}")


def generate(model, overlay=None):
    """The text of the tables."""
    apply_overlay(model, overlay or {})
    return Tables(model).write()


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: modelgen.py MODEL.api.json [MODEL.overlay.json] OUT.inc")
    inputs = [json.loads(pathlib.Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:-1]]
    out = pathlib.Path(sys.argv[-1])
    try:
        made = generate(*inputs)
    except Refused as refusal:
        sys.exit(f"modelgen: {sys.argv[1]}: {refusal}")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
