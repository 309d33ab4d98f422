# SPDX-License-Identifier: Apache-2.0
"""Recipes: what comes of them, judged by suit_verifier.py and by our own reader; and how they are refused."""

import hashlib
import json
import uuid

import cbor2
import pytest
import suit_verifier

VENDOR = uuid.uuid5(uuid.NAMESPACE_DNS, "vendor.example")
BOILER = uuid.uuid5(VENDOR, "boiler-v1").bytes
TOP = 'product = "acme/boiler"\nsequence = 7\nversion = "2.0.0"\nvendor = "vendor.example"\nclass = "boiler-v1"\n'
APP = '\n[[target]]\ncomponent = "app"\nfile = "app-2.0.0.bin"\n'
RADIO = '\n[[target]]\ncomponent = "radio"\nfile = "radio-2.0.0-needs-app-2.bin"\n'


@pytest.fixture
def workshop(workshop):
    workshop.image("app-2.0.0.bin")
    workshop.image("radio-2.0.0-needs-app-2.bin")
    return workshop


def make(workshop, recipe):
    """The release that the judge reads, signed by one key; our own reader must accept it, too."""
    key = workshop.key("vendor")
    workshop.write("recipe.toml", recipe)
    workshop.pack("create", "recipe.toml", "-o", "out.suit", "--key", "vendor.pem")
    assert "signed by vendor.pub" in workshop.pack("verify", "--complete", "--key", "vendor.pub", "out.suit")
    release = suit_verifier.read(workshop.read("out.suit"), [key])
    assert release.authenticated.signers == [0]
    return release


def refuse(workshop, recipe):
    workshop.write("recipe.toml", recipe)
    line = workshop.refusal("create", "recipe.toml", "-o", "out.suit")
    assert not workshop.path("out.suit").exists()
    return line


def conditions(image):
    """{command: the value of its parameter} of those that are no identity."""
    parameter = {4: 4, 26: 26, 27: 27, 28: 28, 29: 29}
    return [(code, parameters.get(parameter[code])) for code, parameters in image.conditions if code in parameter]


def test_one_integrated_image(workshop):
    release = make(workshop, TOP + 'description = "What is new"\n' + APP)
    (image,) = release.images
    content = workshop.read("app-2.0.0.bin")
    assert (release.sequence, release.product, release.version) == (7, (b"acme", b"boiler"), [2, 0, 0])
    assert release.description == "What is new"
    assert (image.component, image.uri, image.content) == ((b"app",), "#app", content)
    assert (image.digest, image.size) == (hashlib.sha256(content).digest(), len(content))
    assert (image.vendor, image.device_class, image.version) == (VENDOR.bytes, BOILER, "2.0.0")


def test_two_images_one_elsewhere(workshop):
    release = make(workshop, TOP + APP + 'uri = "https://fw.example/app.bin"\nimage-number = 0\n' + RADIO +
                   'image-number = 1\nclass = "radio-v3"\nvendor = "other.example"\n'
                   'depends = ["0 >= 2.0.0"]\n')
    app, radio = release.images
    assert (app.uri, app.content) == ("https://fw.example/app.bin", None)
    assert radio.content == workshop.read("radio-2.0.0-needs-app-2.bin")
    other = uuid.uuid5(uuid.NAMESPACE_DNS, "other.example")
    assert (radio.vendor, radio.device_class) == (other.bytes, uuid.uuid5(other, "radio-v3").bytes)


def test_what_must_hold(workshop):
    release = make(workshop, TOP + 'use-before = 2030-01-31\npriority = -3\n' + APP +
                   'image-number = 0\nrequires = [">= 1.0", "< 3-beta"]\nminimum-battery-mwh = 5000\n' + RADIO +
                   'image-number = 1\nafter = ["app >= 2.0.0"]\nnot-before = 2027-01-01T12:00:00+02:00\n'
                   'needs-authorization = true\npriority = 2\n')
    app, radio = release.images
    # 2030-01-31 and 2027-01-01T10:00:00, both UTC.
    assert conditions(app) == [(4, 1896048000), (26, 5000), (28, cbor2.dumps([2, [1, 0]])),
                               (28, cbor2.dumps([5, [3, -2]]))]
    assert conditions(radio) == [(4, 1896048000), (27, 2), (29, cbor2.dumps({4: [b"app", [[2, [2, 0, 0]]]]})),
                                 (29, cbor2.dumps({5: 1798797600}))]
    assert release.priority == -3


def test_gates_do_not_stand_where_a_child_boots(workshop):
    """The shared sequence runs before validate, too: a child must boot after use-before."""
    make(workshop, TOP + 'use-before = 2030-01-31\nrequires = ["< 2"]\n' + APP)
    manifest = cbor2.loads(cbor2.loads(workshop.read("out.suit")).value[3])
    shared = cbor2.loads(cbor2.loads(manifest[3])[4])
    assert set(shared[::2]) == {12, 20, 1, 2}
    assert set(cbor2.loads(manifest[7])[::2]) == {12, 3}


def test_our_reader_says_the_same(workshop):
    make(workshop, TOP + 'use-before = 2030-01-31\npriority = -3\n' + APP +
         'image-number = 0\nrequires = [">= 1.0"]\nminimum-battery-mwh = 5000\n' + RADIO +
         'image-number = 1\nafter = ["app >= 2.0.0"]\nnot-before = 2027-01-01\nneeds-authorization = true\n')
    shown = json.loads(workshop.pack("inspect", "--json", "out.suit"))
    app, radio = shown["images"]
    assert (shown["product"], shown["sequence"], shown["version"], shown["priority"]) == ("acme/boiler", 7, "2.0.0", -3)
    assert (app["component"], app["uri"], app["in_the_envelope"]) == ("app", "#app", True)
    assert app["conditions"] == {"use_before": "2030-01-31T00:00:00Z", "requires": [">= 1.0"],
                                 "minimum_battery_mwh": 5000}
    assert radio["conditions"] == {"use_before": "2030-01-31T00:00:00Z", "not_before": "2027-01-01T00:00:00Z",
                                   "needs_authorization": True, "after": ["app >= 2.0.0"]}
    assert shown["verified"] is False and "gateways_would_not_publish_it" not in shown
    assert "verified: false" in workshop.pack("inspect", "out.suit")


def test_a_plain_file_and_long_ids(workshop):
    workshop.write("table.bin", b"calibration")
    release = make(workshop, TOP.replace('"boiler-v1"', f'"{uuid.UUID(int=5)}"') +
                   '\n[[target]]\ncomponent = "cal/0x0001"\nfile = "table.bin"\nversion = "1.2-rc.3"\n')
    (image,) = release.images
    assert (image.component, image.device_class) == ((b"cal", b"\0\1"), uuid.UUID(int=5).bytes)
    assert image.version == "1.2-rc.3"


def test_unsigned_is_no_deliverable(workshop):
    workshop.write("recipe.toml", TOP + APP)
    workshop.pack("create", "recipe.toml", "-o", "out.suit")
    workshop.key("vendor")
    assert "no signature" in workshop.refusal("verify", "--key", "vendor.pub", "out.suit")
    assert json.loads(workshop.pack("inspect", "--json", "out.suit"))["signed"] is False


@pytest.mark.parametrize("algorithm, number", [("ESP256", -9), ("ESP384", -51), ("Ed25519", -19)])
def test_every_kind_of_author(workshop, algorithm, number):
    key = workshop.key("author", algorithm)
    workshop.write("recipe.toml", TOP + APP)
    workshop.pack("create", "recipe.toml", "-o", "out.suit")
    workshop.pack("sign", "out.suit", "--key", "author.pem", "-o", "signed.suit")
    assert suit_verifier.read(workshop.read("signed.suit"), [key]).authenticated.signers == [0]
    wrapper = cbor2.loads(cbor2.loads(workshop.read("signed.suit")).value[2])
    protected, unprotected, payload, _ = cbor2.loads(wrapper[1]).value
    assert (cbor2.loads(protected), unprotected, payload) == ({1: number}, {4: suit_verifier.key_id(key)}, None)
    assert len(cbor2.loads(cbor2.loads(workshop.read("out.suit")).value[2])) == 1


def test_two_signatures_and_never_one_twice(workshop):
    keys = [workshop.key("a"), workshop.key("b", "Ed25519")]
    workshop.write("recipe.toml", TOP + APP)
    workshop.pack("create", "recipe.toml", "-o", "out.suit", "--key", "a.pem")
    workshop.pack("sign", "out.suit", "--key", "b.pem")
    assert suit_verifier.read(workshop.read("out.suit"), keys).authenticated.signers == [0, 1]
    before = workshop.read("out.suit")
    assert "signed it already" in workshop.refusal("sign", "out.suit", "--key", "a.pem")
    assert "the same key twice" in workshop.refusal("sign", "out.suit", "--key", "a.pem", "--key", "a.pem")
    assert workshop.read("out.suit") == before


def test_signs_only_what_a_gateway_would_read(workshop):
    workshop.key("a")
    workshop.write("recipe.toml", TOP + APP)
    workshop.pack("create", "recipe.toml", "-o", "out.suit")
    tagged = cbor2.loads(workshop.read("out.suit"))
    manifest = cbor2.loads(tagged.value[3])
    manifest[2] = 8
    tagged.value[3] = cbor2.dumps(manifest)
    workshop.write("tampered.suit", cbor2.dumps(tagged))
    assert "not signed" in workshop.refusal("sign", "tampered.suit", "--key", "a.pem")
    assert workshop.run("sign", "out.suit", "--key", "a.pub").returncode == 1


DISAGREEMENTS = {
    "version": (APP + 'version = "2.0.1"\n', "target app (app-2.0.0.bin): the recipe says version 2.0.1, the image's "
                                             "header 2.0.0"),
    "hash": (APP + f'image-hash = "{"00" * 32}"\n', "the recipe says image-hash 0000"),
    "counter": (RADIO + 'depends = ["0 >= 2.0.0"]\nsecurity-counter = 8\n', "target radio (radio-2.0.0-needs-app-2.bin): "
                "the recipe says security-counter 8, the image 7"),
    "no counter": (APP + 'security-counter = 8\n', "the recipe says security-counter 8, the image has none"),
    "encrypted": (APP + 'mcuboot-encrypted = true\n', "the MCUboot image is encrypted, and it is not encrypted"),
    "dependency": (RADIO, "target radio (radio-2.0.0-needs-app-2.bin): the image needs image 0 >= 2.0.0"),
    "unmet": (RADIO + "image-number = 1\n" + APP.replace("2.0.0", "1.0.0") + "image-number = 0\n",
              "the image needs image 0 >= 2.0.0, and app is 1.0.0"),
    "claimed": (APP + 'depends = ["1 >= 1.0.0"]\n', 'it depends on "1 >= 1.0.0", and the image does not'),
    "number twice": (APP + "image-number = 1\n" + RADIO + "image-number = 1\n", "image-number 1 is app already"),
    "padded": (APP.replace("2.0.0", "2.0.0-padded"), "target app (app-2.0.0-padded.bin): has a slot trailer"),
    "damaged": (APP.replace("2.0.0", "1.1.0-flipped-payload-byte"), "target app: "),
    "cut off": (APP.replace("2.0.0", "1.1.0-truncated"), "target app: "),
    "no MCUboot": ('[[target]]\ncomponent = "t"\nfile = "plain"\nimage-number = 3\n', "speaks of a MCUboot image"),
    "empty": ('[[target]]\ncomponent = "t"\nfile = "empty"\n', "is empty"),
    "never comes": (APP + "image-number = 0\n" + RADIO + 'image-number = 1\nafter = ["app >= 2.1"]\n',
                    "target radio waits for app >= 2.1, and this release brings 2.0.0"),
    "too long": (APP + f'uri = "https://fw.example/{"a" * 4000}"\n', "recipe.toml: no gateway would take it: "),
    "gone": ('[[target]]\ncomponent = "t"\nfile = "gone"\n', "gone: No such file"),
}


@pytest.mark.parametrize("name", DISAGREEMENTS)
def test_recipe_and_image_disagree(workshop, name):
    for image in ("app-1.0.0.bin", "app-2.0.0-padded.bin", "app-1.1.0-flipped-payload-byte.bin",
                  "app-1.1.0-truncated.bin"):
        workshop.image(image)
    workshop.write("plain", b"text")
    workshop.write("empty", b"")
    recipe, words = DISAGREEMENTS[name]
    assert words in refuse(workshop, TOP + recipe)


def test_padded_where_nothing_swaps(workshop):
    workshop.image("app-2.0.0-padded.bin")
    make(workshop, TOP + APP.replace("2.0.0", "2.0.0-padded") + "swaps = false\n")


def test_agreements(workshop):
    """What the recipe says and the image says, too."""
    workshop.image("app-2.0.0-enc-p256-for-gateway.bin")
    shown = json.loads(workshop.pack("inspect", "--json", "radio-2.0.0-needs-app-2.bin"))
    assert (shown["kind"], shown["version"], shown["security_counter"], shown["depends"], shown["verified"]) == (
        "MCUboot image", "2.0.0", 7, ["0 >= 2.0.0"], False)
    release = make(workshop, TOP + APP.replace("2.0.0", "2.0.0-enc-p256-for-gateway") +
                   "image-number = 0\nmcuboot-encrypted = true\n" + RADIO +
                   f'image-number = 1\nimage-hash = "{shown["hash"]}"\nsecurity-counter = 7\nversion = "2.0"\n'
                   'depends = ["0 >= 2.0.0"]\n')
    assert [image.version for image in release.images] == ["2.0.0", "2.0"]


WRONG = {
    "unknown key": (TOP + "color = 3\n" + APP, 'recipe.toml:6:1: unknown key "color"'),
    "unknown key in a target": (TOP + APP + "color = 3\n", 'recipe.toml:10:1: unknown key "color"'),
    "no TOML": (TOP + "= 3\n", "recipe.toml:6:1: "),
    "wrong type": (TOP.replace("7", '"7"') + APP, "recipe.toml:2:12: sequence: must be a whole number"),
    "negative": (TOP.replace("7", "-7") + APP, "sequence: must not be negative"),
    "missing": (TOP.replace("sequence = 7\n", "") + APP, "recipe.toml:1:1: sequence: is missing"),
    "no target": (TOP, "there is no [[target]]"),
    "no class": (TOP.replace('class = "boiler-v1"\n', "") + APP, "recipe.toml:6:1: class: is missing"),
    "version": (TOP.replace("2.0.0", "two") + APP, 'version: "two" is no version'),
    "mark first": (TOP.replace("2.0.0", "rc.2") + APP, 'version: "rc.2" is no version'),
    "rule": (TOP + APP + 'requires = ["~ 2"]\n', 'recipe.toml:10:12: requires: "~ 2" is no rule'),
    "after": (TOP + APP + 'after = ["app >= 1"]\n', '"app" waits for itself'),
    "circle": (TOP + APP + 'after = ["radio >= 1"]\n' + RADIO + 'after = ["app >= 1"]\n', '"app" waits for itself'),
    "after nobody": (TOP + APP + 'after = ["radoi >= 1"]\n', '"app" comes after "radoi", which is no target'),
    "component twice": (TOP + APP + APP, 'the component of "app" is there twice'),
    "component": (TOP + APP.replace('"app"', '"../app"'), 'component: "../app" is no component'),
    "fragment": (TOP + APP + 'uri = "#app"\n', "uri: leave it out"),
    "date": (TOP + 'use-before = "2030-01-31"\n' + APP, "use-before: must be a date"),
    "before 1970": (TOP + "use-before = 1969-12-31\n" + APP, "use-before: is before 1970"),
    "hours before 1970": (TOP + "not-before = 1970-01-01T00:30:00+01:00\n" + APP, "not-before: is before 1970"),
    "half encrypted": (TOP + APP + 'encryption-info = "app.cose"\n', "come together"),
    "staging": (TOP + APP + 'staging = "x"\n', "staging: is for encrypted targets"),
    "number": (TOP + APP + "image-number = 16\n", "image-number: must be from 0 to 15"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_recipes(workshop, name):
    recipe, words = WRONG[name]
    assert words in refuse(workshop, recipe)
