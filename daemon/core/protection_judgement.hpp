// SPDX-License-Identifier: Apache-2.0
// What would hide an image on its way to a child, and whether that is as much as its profile asks: by the keys that are
// held, the child's own, and what its link is. Pure. core/preflight chooses images by it, core/steps sends nothing
// without it, core/turn gives its reasons; faces show protection_of().
#pragma once

#include <optional>

#include "core/model.hpp"

namespace hg::core {

struct ProtectionJudgement {
  Protected by{};
  Cause cause{};  ///< why it is not enough: no_protection, no_child_key, content_key_unknown; none: it is
};

/// Of one image on its way to the child, over the link as it is now. Whether a grant holds is judge_grant()'s.
ProtectionJudgement protected_by(const State& state, const Child& child, const Image& image);
/// The same over a link as it may come to be.
ProtectionJudgement protected_by(const State& state, const Child& child, const Image& image, LinkSecurity link);

/// The child's key that the content key of this image can be wrapped for; null: it has none of a fitting kind, or its
/// tier does not take it.
const ChildKey* wrap_key(const Child& child, const Sealing& sealing);

/// Whether the image leaves with its content key wrapped for the child. Then it needs a view.
bool is_rewrapped(const State& state, const Child& child, const Image& image);

/// What was made of the image for the child's present key; null: nothing yet, or for another key.
const View* view_for(const State& state, const Child& child, const Image& image);

/// Whether the child is enrolled with a key to identify itself by, and has not shown it.
bool must_identify(const Child& child);

/// For people: the weakest of what the child's update brings or has brought; without one, what its keys and its link
/// would give.
Protected protection_of(const State& state, const Child& child);

}  // namespace hg::core
