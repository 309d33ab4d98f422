// SPDX-License-Identifier: Apache-2.0
#include "core/content_keys.hpp"

#include <algorithm>
#include <vector>

#include "core/trust_facts.hpp"

namespace hg::core {

namespace {

/// A key that was checked before its plaintext was known has none, and stands against nothing.
bool is_of_another_plaintext(const std::map<Digest, Digest>& known, const ContentKey& key) {
  const auto found = known.find(key.fingerprint);
  return found != known.end() && !key.plaintext.empty() && found->second != key.plaintext;
}

void note_plaintext(std::map<Digest, Digest>& known, const ContentKey& key) {
  if (!key.plaintext.empty()) known.emplace(key.fingerprint, key.plaintext);
}

bool is_of_no_use(const State& state, const ContentKey& key, Instant now) {
  const bool has_expired = state.time_is_known && key.not_after && *key.not_after < trusted_time(state, now);
  return has_expired && !needs_blob(state, key.image);
}

std::vector<Digest> useless_keys(const State& state, std::span<const ContentKey> coming, Instant now) {
  std::vector<Digest> useless;
  for (const auto& [image, key] : state.content_keys)
    if (is_of_no_use(state, key, now) && std::ranges::find(coming, image, &ContentKey::image) == coming.end())
      useless.push_back(image);
  return useless;
}

/// What was ever held stays known, but not without a bound.
void bound_plaintexts(State& state) {
  constexpr std::size_t kMost = 4 * kMaxContentKeys;
  if (state.plaintexts.size() > kMost) index_plaintexts(state);
}

}  // namespace

Result<void> hold_keys(State& state, std::span<const ContentKey> keys, Instant now, Output& out) {
  if (keys.empty()) return {};
  std::map<Digest, Digest> coming;
  for (const ContentKey& key : keys) {
    if (is_of_another_plaintext(state.plaintexts, key) || is_of_another_plaintext(coming, key))
      return Error{Errc::exists, "the content key of image " + key.image.hex() +
                                     " encrypts another plaintext already: one key, one plaintext"};
    note_plaintext(coming, key);
  }
  const std::vector<Digest> useless = useless_keys(state, keys, now);
  const auto news =
      std::ranges::count_if(keys, [&](const auto& key) { return !state.content_keys.contains(key.image); });
  if (state.content_keys.size() + static_cast<std::size_t>(news) - useless.size() > kMaxContentKeys)
    return Error{Errc::busy, std::to_string(kMaxContentKeys) + " content keys are held already"};
  for (const Digest& image : useless) {
    out.changes.emplace_back(DropContentKey{image});
    state.content_keys.erase(image);
  }
  for (const ContentKey& key : keys) {
    note_plaintext(state.plaintexts, key);
    const auto held = state.content_keys.find(key.image);
    if (held != state.content_keys.end() && held->second == key) continue;
    state.content_keys.insert_or_assign(key.image, key);
    out.changes.emplace_back(PutContentKey{key});
  }
  bound_plaintexts(state);
  return {};
}

void lose_keys(State& state, Output& out) {
  for (const auto& [image, key] : state.content_keys) out.changes.emplace_back(DropContentKey{image});
  state.content_keys.clear();
  state.plaintexts.clear();  // the fingerprints hang on the store key, too
}

const ContentKey* held_key(const State& state, const Digest& image) {
  const auto found = state.content_keys.find(image);
  return found == state.content_keys.end() ? nullptr : &found->second;
}

Cause judge_grant(const State& state, const ContentKey& key, Instant now) {
  if (!key.not_after) return {};
  if (!state.time_is_known)
    return {Reason::time_unknown,
            "the content key was granted until " + to_text(*key.not_after) + ", and the time is not known"};
  if (*key.not_after < trusted_time(state, now))
    return {Reason::grant_expired, "the content key was granted until " + to_text(*key.not_after)};
  return {};
}

void index_plaintexts(State& state) {
  state.plaintexts.clear();
  for (const auto& [image, key] : state.content_keys) note_plaintext(state.plaintexts, key);
}

}  // namespace hg::core
