// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "suit/limits.hpp"
#include "suit/run.hpp"

namespace hg::suit {

// --------------------------------------------------------------------------------------------- selection, parameters

/// uint, true, or [+ uint]; true means the components, not the dependencies
Result<void> Run::set_component_index(cbor::Reader& argument) {
  std::vector<std::size_t> items;
  if (argument.next_is(cbor::Type::boolean)) {
    if (!*argument.read_bool()) return refuse(Errc::invalid, "with false");
    items = scopes_.at(world_.frames.back().manifest).components;
  } else {
    std::size_t count = 1;
    if (argument.next_is(cbor::Type::array)) count = *argument.enter_array();
    if (count == 0 || count > subjects_.size()) return refuse(Errc::invalid, "with too few or too many indices");
    for (std::size_t i = 0; i < count; ++i) {
      const auto item = read_index(argument);
      if (!item) return item.error();
      items.push_back(*item);
    }
  }
  world_.frames.back().selected = std::move(items);
  return {};
}

Result<void> Run::set_parameters(cbor::Reader& argument) {
  const auto parameters = parameters_at(argument);
  if (!parameters) return parameters.error();
  return apply(**parameters, &Parameters::fill_from);
}

Result<void> Run::override_parameters(cbor::Reader& argument) {
  const auto parameters = parameters_at(argument);
  if (!parameters) return parameters.error();
  return apply(**parameters, &Parameters::override_with);
}

/// The item that the next key of a map names, or nothing after the last value.
Result<std::optional<std::size_t>> Run::next_item(cbor::MapKeys& keys) const {
  const auto key = keys.next_integer();
  if (!key) return key.error().within(command_name_);
  if (!key->has_value()) return std::optional<std::size_t>{};
  if (**key < 0) return refuse(Errc::invalid, "with an index that no component has");
  const auto item = item_of(static_cast<std::uint64_t>(**key));
  if (!item) return item.error();
  return std::optional<std::size_t>(*item);
}

/// {+ index => {+ parameters}}: each entry selects, and the last selection stays.
Result<void> Run::override_multiple(cbor::Reader& argument) {
  auto keys = cbor::MapKeys::enter(argument);
  if (!keys) return keys.error().within(command_name_);
  if (keys->count() == 0) return refuse(Errc::invalid, "of nothing");
  for (;;) {
    const auto item = next_item(*keys);
    if (!item) return item.error();
    if (!item->has_value()) return {};
    world_.frames.back().selected = {**item};
    if (auto done = override_parameters(argument); !done) return done;
  }
}

/// {+ index => [+ parameter]}
Result<void> Run::copy_params(cbor::Reader& argument) {
  const auto items = selected();
  if (!items) return items.error();
  auto keys = cbor::MapKeys::enter(argument);
  if (!keys) return keys.error().within(command_name_);
  if (keys->count() == 0) return refuse(Errc::invalid, "of nothing");
  for (;;) {
    const auto source = next_item(*keys);
    if (!source) return source.error();
    if (!source->has_value()) return {};
    for (const std::size_t item : *items) {  // of 64 components to 64 is not one command's work
      if (auto counted = count_step(); !counted) return counted;
      cbor::Reader list = argument;
      auto copied = copy_parameters(list, item_at(**source).now, item_at(item).now);
      if (!copied) return copied.error().within(command_name_);
    }
    if (auto skipped = argument.skip(); !skipped) return skipped;
  }
}

Result<void> Run::apply(const Parameters& parameters, void (Parameters::*how)(const Parameters&)) {
  const auto items = selected();
  if (!items) return items.error();
  for (const std::size_t item : *items) (item_at(item).now.*how)(parameters);
  std::optional<std::int64_t>& priority = world_.course.priority;
  if (parameters.priority) priority = std::min(*parameters.priority, priority.value_or(*parameters.priority));
  return parameters.soft_failure ? set_soft_failure(*parameters.soft_failure) : Result<void>{};
}

/// §8.4.8.10: a run-sequence that may fail softly may also stop anywhere from here on, so there is a world in which it
/// does no more.
Result<void> Run::set_soft_failure(bool is_soft) {
  Frame& frame = world_.frames.back();
  if (frame.kind == Frame::Kind::section) {
    return refuse(Errc::invalid, "sets soft-failure (13) outside of try-each and run-sequence");
  }
  const bool may_stop = frame.kind == Frame::Kind::run_sequence && is_soft && !frame.is_soft;
  frame.is_soft = is_soft;
  if (!may_stop) return {};
  World stopped = world_;
  stopped.frames.pop_back();
  return branch(std::move(stopped));
}

// ----------------------------------------------------------------------------------------------------------- sequences

/// Runs once for each selected component, in order, so the last is pushed first (§6.4: run-sequence).
Result<void> Run::run_sequence(cbor::Reader& argument) {
  const auto content = argument.read_wrapped();
  if (!content) return content.error().within(command_name_);
  const auto items = selected();
  if (!items) return items.error();
  Frame frame = world_.frames.back();
  frame.kind = Frame::Kind::run_sequence;
  frame.reader = *content;
  frame.is_soft = false;
  ++frame.depth;
  for (auto item = items->rbegin(); item != items->rend(); ++item) {
    frame.selected = {*item};
    if (auto pushed = push_sequence(world_, frame); !pushed) return pushed;
  }
  return {};
}

/// [2* bstr, ? nil], for each selected component in order. The alternatives are taken one by one (take_alternative).
Result<void> Run::try_each(cbor::Reader& argument) {
  const auto items = selected();
  if (!items) return items.error();
  const auto count = argument.enter_array();
  if (!count) return count.error().within(command_name_);
  Frame frame = world_.frames.back();
  frame.kind = Frame::Kind::try_each;
  frame.reader = argument;
  frame.left = *count;
  std::size_t sequences = 0;
  for (std::size_t i = 0; i < *count; ++i) {
    const bool is_none = i + 1 == *count && argument.next_is(cbor::Type::null);
    if (is_none) break;
    const auto sequence = argument.read_wrapped();
    if (!sequence) return sequence.error().within(command_name_);
    ++sequences;
  }
  if (sequences < 2) return refuse(Errc::invalid, "of fewer than two sequences");
  for (auto item = items->rbegin(); item != items->rend(); ++item) {
    frame.selected = {*item};
    world_.frames.push_back(frame);
  }
  return {};
}

// --------------------------------------------------------------------------------------------------------- moving
// bytes

Result<void> Run::follow(Objection objection) const {
  if (objection == nullptr) return {};
  return refuse(Errc::invalid, objection);
}

Result<void> Run::fetch(std::size_t item) {
  return follow(suit::fetch(item_at(item)));
}

Result<void> Run::write(std::size_t item) {
  if (!item_at(item).now.content) return refuse(Errc::invalid, "without content");
  return is_delivery_ ? follow(suit::write(item_at(item))) : Result<void>{};
}

/// The component that the bytes come from.
Result<std::size_t> Run::source_of(std::size_t item) const {
  const auto index = item_at(item).now.source;
  if (!index) return refuse(Errc::invalid, "without a source component");
  const auto source = item_of(*index);
  if (!source) return source;
  if (is_dependency(*source)) return refuse(Errc::unsupported, "of a dependency");
  if (*source == item) return refuse(Errc::invalid, "of a component and itself");
  return source;
}

Result<void> Run::copy(std::size_t item) {
  const auto source = source_of(item);
  if (!source) return source.error();
  return is_delivery_ ? follow(suit::copy(item_at(*source), *source, item_at(item))) : Result<void>{};
}

Result<void> Run::swap(std::size_t item) {
  const auto source = source_of(item);
  if (!source) return source.error();
  if (is_delivery_) suit::swap(item_at(*source), *source, item_at(item), item);
  return {};
}

Result<void> Run::invoke(std::size_t) {
  return {};
}

// ---------------------------------------------------------------------------------------------------------
// dependencies

std::optional<Digest> Run::dependency_digest(std::size_t item) const {
  const Item& dependency = item_at(item);
  if (dependency.now.image_digest) return dependency.now.image_digest;
  return dependency.holding ? dependency.holding->digest : std::nullopt;
}

/// In order, so the last is pushed first.
Result<void> Run::process_dependencies(cbor::Reader& argument) {
  if (auto read = read_policy(argument); !read) return read;
  const auto items = selected();
  if (!items) return items.error();
  const std::size_t depth = world_.frames.back().depth + 1;
  for (auto item = items->rbegin(); item != items->rend() && !is_dead_; ++item) {
    if (auto processed = process_dependency(*item, depth); !processed) return processed;
  }
  return {};
}

/// Runs its shared sequence and its part of this section in the place of this command. One that is not here is told to
/// the caller, not refused: who fetches it opens the manifest again.
Result<void> Run::process_dependency(std::size_t item, std::size_t depth) {
  if (!is_dependency(item)) return fail("of a component that is no dependency");
  const auto digest = dependency_digest(item);
  if (!digest) return refuse(Errc::invalid, "without an image digest");
  std::optional<Holding>& envelope = item_at(item).holding;
  if (!envelope) envelope.emplace();
  if (!envelope->digest) envelope->digest = digest;
  const auto found = bundle_.find({*digest, envelope->size, envelope->uri ? envelope->uri->text() : ""});
  if (!found) return found.error().within("dependency " + subjects_[item].id.text());
  if (!*found) return {};
  if (auto entered = enter(**found); !entered) return entered;
  return push_manifest(world_, **found, depth);
}

/// Counting references to shared components is for a device that removes them.
Result<void> Run::unlink(cbor::Reader&) {
  return refuse(Errc::unsupported, "is not supported");
}

}  // namespace hg::suit
