# SPDX-License-Identifier: Apache-2.0
import pathlib
import tempfile

import pytest
from gateway import Gateway


@pytest.fixture
def directory():
    """Short, because the path of a Unix socket must fit into 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="hg-") as path:
        yield pathlib.Path(path)


@pytest.fixture
def gateway(directory):
    with Gateway(directory) as whole:
        yield whole


def pytest_addoption(parser):
    parser.addoption("--faults", type=int, default=20, help="how many faults test_random_faults tries")
    parser.addoption("--kills", type=int, default=10, help="how many kills test_groups tries")


@pytest.fixture
def faults(request):
    return request.config.getoption("--faults")


@pytest.fixture
def kills(request):
    return request.config.getoption("--kills")
