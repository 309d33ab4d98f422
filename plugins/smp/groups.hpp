// SPDX-License-Identifier: Apache-2.0
// Both groups that an upload needs.
#pragma once

#include "smp/image_group.hpp"
#include "smp/os_group.hpp"
