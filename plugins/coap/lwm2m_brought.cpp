// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_brought.hpp"

#include <algorithm>
#include <charconv>

#include "coap/remembered.hpp"

namespace hg::coap {
namespace {

constexpr std::string_view kHead = "headgate-brought 1";
constexpr unsigned kStages = 5;

template <class Number>
bool read(std::string_view text, Number& into) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), into);
  return failure == std::errc{} && end == text.data() + text.size();
}

/// The facts of one image stand together, and begin with its number.
bool take(std::string_view name, const std::string& value, Brought& into) {
  if (name == "uri") return into.uri = value, true;
  if (name == "version") return into.version = value, true;
  if (name == "runs") return into.runs = value, true;
  if (name == "size") return read(value, into.size);
  if (name == "stage") {
    unsigned stage = 0;
    const bool is_one = read(value, stage) && stage < kStages;
    into.stage = is_one ? static_cast<Stage>(stage) : Stage::none;
    return is_one;
  }
  const auto digest = Digest::from_text(value);
  if (!digest) return false;
  if (name == "view") return into.view = *digest, true;
  if (name == "after") return into.after = *digest, true;
  return name == "installed" && (into.installed = *digest, true);
}

}  // namespace

std::filesystem::path BroughtStore::file_of(const std::string& child) const {
  return directory_.empty() ? directory_ : directory_ / (child + ".brought");
}

std::vector<Brought> BroughtStore::load(const std::string& child) const {
  std::vector<Brought> all;
  for (const auto& [name, value] : recall(file_of(child), kHead)) {
    if (name == "image") {
      Brought brought;
      if (!read(value, brought.image)) return {};
      all.push_back(std::move(brought));
    } else if (all.empty() || !take(name, value, all.back())) {
      return {};
    }
  }
  return all;
}

void BroughtStore::save(const std::string& child, const std::vector<Brought>& all) const {
  Facts facts;
  for (const Brought& brought : all) {
    facts.emplace_back("image", std::to_string(brought.image));
    facts.emplace_back("stage", std::to_string(static_cast<unsigned>(brought.stage)));
    facts.emplace_back("view", brought.view.hex());
    facts.emplace_back("after", brought.after.hex());
    facts.emplace_back("size", std::to_string(brought.size));
    facts.emplace_back("uri", brought.uri);
    facts.emplace_back("installed", brought.installed.hex());
    facts.emplace_back("version", brought.version);
    if (!brought.runs.empty()) facts.emplace_back("runs", brought.runs);
  }
  static_cast<void>(coap::remember(file_of(child), kHead, facts));
}

void BroughtStore::remove(const std::string& child) const {
  coap::forget(file_of(child));
}

Brought BroughtImages::of(std::uint8_t image) const {
  const auto found = std::ranges::find(all_, image, &Brought::image);
  if (found != all_.end()) return *found;
  Brought nothing;
  nothing.image = image;
  return nothing;
}

void BroughtImages::set(const Brought& brought) {
  const auto found = std::ranges::find(all_, brought.image, &Brought::image);
  if (found == all_.end()) {
    if (brought == of(brought.image)) return;  // nothing: a child may list ever other instances
    all_.push_back(brought);
  } else if (*found == brought) {
    return;
  } else {
    *found = brought;
  }
  store_.save(child_, all_);
}

}  // namespace hg::coap
