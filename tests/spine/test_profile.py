# SPDX-License-Identifier: Apache-2.0
"""What a manifest may ask for, through the whole gateway: conditions, priorities, dependencies. Real programs; how the
envelopes are read in every detail is tested below (tests/core)."""

import json
import time

import pytest
from gateway import APP_1_1_0, APP_2_0_0, SOON_S

DAY = 86400
OK, FAILED = 0, 1


@pytest.fixture
def running(gateway):
    gateway.start(broker=False)
    return gateway


def fetched(gateway, thing):
    done = gateway.ctl_result("fetch", thing.url, "--wait")
    return done.returncode, done.stdout + done.stderr


def sealed(gateway, version, image=APP_1_1_0, **publish):
    deliverable = gateway.publish(image, version=version, **publish)
    status, text = fetched(gateway, deliverable)
    assert status == OK, text
    return gateway.sealed(version)


def ends_as(gateway, deliverable, phase, reason, *options):
    gateway.ctl("rollout", "start", deliverable["id"], *options)
    gateway.wait_for_child("boiler", lambda seen: (seen["phase"], seen["reason"]) == (phase, reason),
                           f"to be {phase}: {reason}", deadline_s=2 * SOON_S)


def test_conditions_that_do_not_hold(running):
    now = int(time.time())
    for number, (reason, *condition) in enumerate((
            ("use-before-passed", "--use-before", now - DAY), ("version-condition", "--at-version", ">=1.1.0"),
            ("battery-condition", "--battery", 500), ("not-approved", "--authorize"))):
        ends_as(running, sealed(running, f"1.1.{number}", more=condition), "refused", reason)
    ends_as(running, sealed(running, "1.2.0", more=("--not-before", now + DAY)), "deferred", "too-early")
    assert running.child.counters()["uploads_started"] == 0


def test_conditions_that_hold(running):
    conditions = ("--use-before", int(time.time()) + DAY, "--at-version", "=1.0.0", "--authorize", "--priority", -200)
    deliverable = sealed(running, "1.1.0", more=conditions)
    assert deliverable["urgency"] == "emergency" and deliverable["priority"] == -200
    ends_as(running, deliverable, "confirmed", "none", "--approve")
    assert running.child_says()["version"] == "1.1.0"


def test_urgencies(running):
    assert sealed(running, "1.1.1", more=("--priority", -5))["urgency"] == "major"
    assert sealed(running, "1.1.2", more=("--priority", 5))["urgency"] == "minor"
    none = sealed(running, "1.1.3")
    assert none["urgency"] == "minor" and none["priority"] is None


def test_what_this_gateway_cannot_hold_to_is_refused(running):
    status, text = fetched(running, running.publish(APP_1_1_0, more=("--after", "radio>=2.0")))
    assert status == FAILED and "waits for a version of radio" in text, text


def test_a_dependency_is_fetched_by_its_uri(running):
    radio = running.publish(APP_2_0_0, version="2.0.0", component="radio", product="radio", name="radio")
    depends = ("--depends", f"name=radio,file={radio.envelope},uri=radio.suit")
    whole = sealed(running, "1.1.0", more=depends)
    assert [image["component"] for image in whole["images"]] == ["app", "radio"]
    ends_as(running, whole, "confirmed", "none")

    missing = running.publish(APP_1_1_0, version="1.3.0",
                              more=("--depends", f"name=radio,file={radio.envelope},uri=gone.suit"))
    status, text = fetched(running, missing)
    assert status == FAILED and "dependency radio at gone.suit" in text and "404" in text, text
    another = running.publish(APP_1_1_0, version="2.0.1", component="radio", product="radio", name="gone")
    assert another.url.endswith("gone.suit")
    status, text = fetched(running, missing)
    assert status == FAILED and "what stands there is another manifest" in text, text
    assert "radio.suit" in json.dumps(running.web.requests())
