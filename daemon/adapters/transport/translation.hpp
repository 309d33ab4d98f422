// SPDX-License-Identifier: Apache-2.0
// Core's words to frames and back: which request a step becomes, how long it may take, and what an answer means for
// the step that was asked. Values in, values out. plugin_connection calls it.
#pragma once

#include <optional>

#include "core/engine.hpp"
#include "wire/frames.hpp"

namespace hg::transport {

/// The request for `step` (never Idle, Wait, Prepare or Identify: those are not for plugins). `task` is taken over with
/// deadline_ms set from deadline_for().
wire::Frame request_for(const core::Enrollment& child, const core::Step& step, wire::Task task);

/// By when the plugin must have answered: for orders by the size of what changes. Deliver: the longest time without
/// progress.
Duration deadline_for(const core::Patience& patience, const core::Step& step);

/// The answer to steps that the plugin cannot be asked: an offer is welcome, there is nothing to back up, what was
/// backed up by an abler plugin cannot be written back, and an image is not sent otherwise than its view has it. Also
/// to a view that no plugin would take, StepFailed{invalid}, and to steps that are not for plugins,
/// StepFailed{internal}.
std::optional<core::StepAnswer> answer_unasked(const wire::Hello& plugin, const core::Step& step);

/// What `frame` says about `step`, without what came beside it. An answer that does not belong to such a step is
/// StepFailed{invalid}.
core::StepAnswer answer_from(const core::Step& step, const wire::Frame& frame, Instant now);

/// Errc::invalid: an answer that does not belong to what was asked.
Error misplaced(const wire::Frame& answer);

}  // namespace hg::transport
