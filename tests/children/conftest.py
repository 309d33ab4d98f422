# SPDX-License-Identifier: Apache-2.0
import pytest

from child_process import VECTORS, ChildProcess


@pytest.fixture
def start(tmp_path):
    """Starts a child on app-1.0.0 with these options; again on the same state after it was stopped or killed."""
    children = []

    def start_child(*options, image=VECTORS / "app-1.0.0.bin", ready=True):
        children.append(ChildProcess(tmp_path, "--image", image, "--reset-delay-ms", 20, *options, ready=ready))
        return children[-1]

    yield start_child
    for child in children:
        child.stop()
