// SPDX-License-Identifier: Apache-2.0
// Which sizes of an SMP packet are worth trying over fragments of a given size (reference smp.md 2.3): one fragment
// passes everywhere; what is longer needs a child that reassembles, which echoes find out (pace). Pure; link has its
// limits from it.
#pragma once

#include "smp/link.hpp"

namespace hg::ble {

/// `fragment`: bytes of one write command. Steps ascend from the largest packet that surely passes (one fragment; where
/// that is less than the first request of an upload needs, 96 bytes, more all the same, or nothing could be sent) over
/// whole numbers of fragments, at most 8 steps, to 4096 bytes. Windows begin at 1; overruns are lost silently.
smp::Link::Limits limits_for(std::size_t fragment);

}  // namespace hg::ble
