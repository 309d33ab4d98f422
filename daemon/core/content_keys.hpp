// SPDX-License-Identifier: Apache-2.0
// The content keys that this gateway holds, sealed: which image each opens, until when it was granted, and that no key
// encrypts two plaintexts. How they come to be held is the caller's matter (a grant, or the image itself); for whom
// they are wrapped is core/protection_judgement's. Called by core/engine, core/trust_facts and core/turn.
#pragma once

#include <span>

#include "core/engine.hpp"

namespace hg::core {

/// Takes all of them, or none; one for an image whose key is held takes its place. Errc::exists: a key encrypts another
/// plaintext already; Errc::busy: too many are held whose grants have not expired or whose images are here.
Result<void> hold_keys(State& state, std::span<const ContentKey> keys, Instant now, Output& out);

/// What was sealed under another store key cannot be opened again.
void lose_keys(State& state, Output& out);

/// Null when the key of this image is not held.
const ContentKey* held_key(const State& state, const Digest& image);

/// Whether it may be wrapped for a child now: not once its grant has expired, nor while nobody knows whether it has.
Cause judge_grant(const State& state, const ContentKey& key, Instant now);

/// After a start: which key encrypts what.
void index_plaintexts(State& state);

}  // namespace hg::core
