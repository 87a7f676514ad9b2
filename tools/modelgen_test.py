#!/usr/bin/env python3
"""Tests of modelgen.py and model_import.py: the tables of a small model, the overlay, and what is refused."""
import copy
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import model_import  # noqa: E402
import modelgen  # noqa: E402

MODEL = {
    "service": {"name": "pets", "apiVersion": "2026-01-01", "endpointPrefix": "pets", "protocol": "rest-json"},
    "operations": {
        "PutPet": {"method": "PUT", "uri": "/pets/{Name}", "status": 201, "input": "PutPet", "output": None, "errors": ["NoPet"]},
        "GetPets": {"method": "GET", "uri": "/pets", "unsigned": True},
    },
    "shapes": {
        "PutPet": {"type": "structure", "required": ["Name"], "payload": "Pet", "members": {
            "Name": {"shape": "Name", "location": "uri", "locationName": "Name"}, "Pet": {"shape": "Names", "locationName": "pet"}}},
        "Name": {"type": "string", "min": 1, "max": 64, "pattern": "[\\u0020-\\u007E]+", "enum": ["a\"b", "c"], "sensitive": True},
        "Names": {"type": "list", "member": {"shape": "Name"}, "flattened": True},
        "Weights": {"type": "map", "key": {"shape": "Name"}, "value": {"shape": "Weight"}},
        "Weight": {"type": "double", "max": 0.5},
        "NoPet": {"type": "structure", "members": {}, "exception": True, "error": {"code": "NoSuchPet", "httpStatusCode": 404}},
    },
}

TABLES = r"""// Made by tools/modelgen.py.
namespace pets {
extern const Shape shapes[6];
constexpr Member members_0[] = {
    {.name = "Name", .wire_name = "Name", .shape = &shapes[1], .location = Location::uri, .required = true, .idempotency_token = false},
    {.name = "Pet", .wire_name = "pet", .shape = &shapes[2], .location = Location::body, .required = false, .idempotency_token = false},
};
constexpr Pattern pattern_1{"[\\u0020-\\u007E]+", "[\\x{0020}-\\x{007E}]+", "", ""};
constexpr std::string_view values_1[] = {
    "a\"b",
    "c",
};
constexpr const Shape* errors_1[] = {
    &shapes[5],
};
constexpr const Shape* errors[] = {
    &shapes[5],
};
constexpr Shape shapes[6] = {
    {.kind = Kind::structure, .name = "PutPet", .members = members_0, .payload = &members_0[1]},
    {.kind = Kind::string, .name = "Name", .min = 1.0, .max = 64.0, .pattern = &pattern_1, .values = values_1, .sensitive = true},
    {.kind = Kind::list, .name = "Names", .element = &shapes[1], .flattened = true},
    {.kind = Kind::map, .name = "Weights", .key = &shapes[1], .element = &shapes[4]},
    {.kind = Kind::real, .name = "Weight", .max = 0.5},
    {.kind = Kind::structure, .name = "NoPet", .status = 404, .code = "NoSuchPet"},
};
constexpr Operation operations[] = {
    {.name = "GetPets", .method = "GET", .uri = "/pets", .is_unsigned = true},
    {.name = "PutPet", .method = "PUT", .uri = "/pets/{Name}", .status = 201, .has_shapes = true, .input = &shapes[0], .output = nullptr, .errors = errors_1},
};
constexpr ServiceModel model{.name = "pets", .signing_name = "pets",
    .protocol = Protocol::rest_json, .target_prefix = "", .api_version = "2026-01-01",
    .xml_namespace = "", .validation_code = "ValidationException", .body_paths_begin_with_input = false,
    .operations = operations, .shapes = shapes, .errors = errors};
}  // namespace pets
"""


class ModelGen(unittest.TestCase):
    maxDiff = None

    def generate(self, overlay=None, **shapes):
        model = copy.deepcopy(MODEL)
        model["shapes"].update(shapes)
        return modelgen.generate(model, overlay)

    def refused(self, message, overlay=None, **shapes):
        with self.assertRaisesRegex(modelgen.Refused, message):
            self.generate(overlay, **shapes)

    def test_tables(self):
        self.assertEqual(self.generate(), TABLES)

    def test_overlay_replaces_and_drops(self):
        why = {"reason": "r", "evidence": "e"}
        made = self.generate({"service": {"validationCode": "Wrong"}, "shapes": {"Name": {"drop": ["enum"], "max": 3, "sentence": "{}!", **why}}})
        self.assertIn('.min = 1.0, .max = 3.0, .pattern = &pattern_1, .sensitive = true', made)
        self.assertIn('"[\\\\x{0020}-\\\\x{007E}]+", "", "{}!"', made)
        self.assertIn('.validation_code = "Wrong"', made)

    def test_overlay_adds_shapes_and_members(self):
        why = {"reason": "r", "evidence": "e"}
        pet = {"type": "structure", "members": {"A": {"shape": "Name"}}}
        overlay = {"new": {"Collar": {"type": "string", **why}}, "shapes": {"Pet2": {"add_members": {"Collar": {"shape": "Collar"}}, **why}}}
        made = self.generate(overlay, Pet2=pet)
        self.assertIn('.name = "Collar"', made)
        self.assertIn('{.name = "Collar", .wire_name = "Collar", .shape = &shapes[', made)
        self.refused("has the shape Name by now", {"new": {"Name": {"type": "string", **why}}})
        self.refused("has the member A by now", {"shapes": {"Pet2": {"add_members": {"A": {"shape": "Name"}}, **why}}}, Pet2=pet)
        self.refused("no reason", {"new": {"Collar": {"type": "string"}}})

    def test_overlay_has_to_fit_and_to_say_why(self):
        why = {"reason": "r", "evidence": "e"}
        self.refused("no shape Nothing", {"shapes": {"Nothing": {"max": 1, **why}}})
        self.refused("no pattern to drop", {"shapes": {"Names": {"drop": ["pattern"], **why}}})
        self.refused("no reason", {"shapes": {"Name": {"max": 1, "reason": "r"}}})

    def test_patterns_beyond_re2_are_refused(self):
        for pattern in ("(?!a)b", "a(?<!b)", "(?=a)", r"(a)\1", "a*+"):
            self.refused("RE2 cannot express", Name={"type": "string", "pattern": pattern})

    def test_patterns_beyond_re2_may_be_taken_apart(self):
        made = self.generate({"shapes": {"Name": {"match": "[a-z]+", "unlike": "x", "reason": "r", "evidence": "e"}}}, Name={"type": "string", "pattern": "(?!x$)[a-z]+"})
        self.assertIn('{"(?!x$)[a-z]+", "[a-z]+", "x", ""}', made)

    def test_traits_that_no_codec_knows_are_refused(self):
        self.refused("location headers", PutPet={"type": "structure", "members": {"A": {"shape": "Name", "location": "headers"}}})
        self.refused("codec knows this timestampFormat", Name={"type": "timestamp", "timestampFormat": "rfc822"})
        self.refused("traits of its member", Names={"type": "list", "member": {"shape": "Name", "locationName": "item"}})


class ModelImport(unittest.TestCase):
    MODEL = {
        "metadata": {"apiVersion": "1", "endpointPrefix": "p", "protocol": "query", "serviceId": "P", "uid": "x"},
        "operations": {
            "B": {"name": "B", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "In"}, "output": {"shape": "Out", "resultWrapper": "BResult"},
                  "errors": [{"shape": "E"}], "documentation": "<p>prose</p>"},
            "A": {"name": "A", "http": {"method": "POST", "requestUri": "/", "responseCode": 204}, "input": {"shape": "Unused"}, "authtype": "none"},
        },
        "shapes": {
            "In": {"type": "structure", "members": {"X": {"shape": "X", "documentation": "prose"}}, "documentation": "prose"},
            "X": {"type": "string", "max": 3}, "Out": {"type": "structure", "members": {}}, "Unused": {"type": "structure", "members": {}},
            "E": {"type": "structure", "members": {}, "exception": True},
        },
    }

    def test_keeps_all_names_but_only_the_wanted_shapes(self):
        trimmed = model_import.trim("pets", self.MODEL, {"B"})
        self.assertEqual(trimmed["operations"]["A"], {"method": "POST", "uri": "/", "status": 204, "unsigned": True})
        self.assertEqual(trimmed["operations"]["B"],
                         {"method": "POST", "uri": "/", "input": "In", "output": "Out", "resultWrapper": "BResult", "errors": ["E"]})
        self.assertEqual(list(trimmed["shapes"]), ["E", "In", "Out", "X"])
        self.assertNotIn("prose", model_import.to_text(trimmed))
        self.assertEqual(model_import.to_text(trimmed).count('\n  "'), 6)

    def test_an_unknown_trait_stops_the_import(self):
        model = copy.deepcopy(self.MODEL)
        model["shapes"]["X"]["newTrait"] = 1
        with self.assertRaisesRegex(SystemExit, "X has keys this tool does not know: newTrait"):
            model_import.trim("pets", model, {"B"})

    def test_a_wanted_operation_has_to_exist(self):
        with self.assertRaisesRegex(SystemExit, "has no operation C"):
            model_import.trim("pets", self.MODEL, {"C"})


if __name__ == "__main__":
    unittest.main()
