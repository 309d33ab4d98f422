// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "suit/run.hpp"

namespace hg::suit {
namespace {

constexpr std::uint64_t kAllReportingBits = 0xF;  // §8.4.7: four bits

constexpr unsigned kAnywhere = kInShared | kInStaging | kInVerification | kInLoad | kInInvoke | kInUninstall;
constexpr unsigned kNotShared = kAnywhere & ~static_cast<unsigned>(kInShared);
constexpr unsigned kWhereBytesMove = kInStaging | kInLoad | kInUninstall;

}  // namespace

const Run::Command* Run::find_command(std::int64_t code) {
  static constexpr Command kCommands[] = {
      {1, "condition-vendor-identifier", kAnywhere, false, &Run::match_vendor, nullptr},
      {2, "condition-class-identifier", kAnywhere, false, &Run::match_class, nullptr},
      {3, "condition-image-match", kAnywhere, true, &Run::match_image, nullptr},
      {4, "condition-use-before", kAnywhere, false, &Run::check_use_before, nullptr},
      {5, "condition-component-slot", kAnywhere, false, &Run::match_slot, nullptr},
      {6, "condition-check-content", kAnywhere, false, &Run::check_content, nullptr},
      {7, "condition-dependency-integrity", kAnywhere, true, &Run::check_integrity, nullptr},
      {8, "condition-is-dependency", kAnywhere, true, &Run::check_dependency, nullptr},
      {11, "directive-process-dependency", kNotShared, true, nullptr, &Run::process_dependencies},
      {12, "directive-set-component-index", kAnywhere, true, nullptr, &Run::set_component_index},
      {14, "condition-abort", kAnywhere, true, &Run::abort, nullptr},
      {15, "directive-try-each", kAnywhere, true, nullptr, &Run::try_each},
      {18, "directive-write", kWhereBytesMove, false, &Run::write, nullptr},
      {19, "directive-set-parameters", kAnywhere, true, nullptr, &Run::set_parameters},
      {20, "directive-override-parameters", kAnywhere, true, nullptr, &Run::override_parameters},
      {21, "directive-fetch", kInStaging, true, &Run::fetch, nullptr},
      {22, "directive-copy", kWhereBytesMove, false, &Run::copy, nullptr},
      {23, "directive-invoke", kInInvoke, false, &Run::invoke, nullptr},
      {24, "condition-device-identifier", kAnywhere, false, &Run::match_device, nullptr},
      {25, "condition-image-not-match", kAnywhere, false, &Run::mismatch_image, nullptr},
      {26, "condition-minimum-battery", kAnywhere, false, &Run::check_battery, nullptr},
      {27, "condition-update-authorized", kAnywhere, false, &Run::check_authorization, nullptr},
      {28, "condition-version", kAnywhere, false, &Run::check_version, nullptr},
      {29, "directive-wait", kNotShared, false, &Run::wait, nullptr},
      {31, "directive-swap", kWhereBytesMove, false, &Run::swap, nullptr},
      {32, "directive-run-sequence", kAnywhere, true, nullptr, &Run::run_sequence},
      {33, "directive-unlink", kNotShared, true, nullptr, &Run::unlink},
      {34, "directive-override-multiple", kAnywhere, true, nullptr, &Run::override_multiple},
      {35, "directive-copy-params", kAnywhere, true, nullptr, &Run::copy_params},
  };
  const auto* found = std::ranges::find(kCommands, code, &Command::code);
  return found == std::end(kCommands) ? nullptr : found;
}

Result<void> Run::each_selected(const Command& command, cbor::Reader& argument) {
  if (auto read = read_policy(argument); !read) return read;
  const auto items = selected();
  if (!items) return items.error();
  for (const std::size_t item : *items) {
    if (is_dependency(item) && !command.is_for_dependencies) return refuse(Errc::unsupported, "of a dependency");
    if (auto done = (this->*command.each)(item); !done) return done;
    if (is_dead_) return {};
  }
  return {};
}

Result<void> Run::read_policy(cbor::Reader& argument) const {
  const auto policy = argument.read_uint();
  if (!policy) return policy.error().within(command_name_ + ": reporting policy");
  if (*policy > kAllReportingBits) return refuse(Errc::invalid, "with unknown reporting bits");
  return {};
}

/// A copy, since a command may push another sequence.
Result<std::vector<std::size_t>> Run::selected() const {
  const std::vector<std::size_t>& items = world_.frames.back().selected;
  if (items.empty()) return refuse(Errc::invalid, "before directive-set-component-index");
  return items;
}

/// An index beyond the components is a dependency's.
Result<std::size_t> Run::item_of(std::uint64_t index) const {
  const std::size_t manifest = world_.frames.back().manifest;
  const Scope& scope = scopes_.at(manifest);
  if (index < scope.components.size()) return scope.components[static_cast<std::size_t>(index)];
  const auto& entries = bundle_[manifest].members.dependencies;
  const auto entry = std::ranges::find(entries, index, &DependencyEntry::index);
  if (entry == entries.end()) return refuse(Errc::invalid, "with an index that no component has");
  return scope.dependencies[static_cast<std::size_t>(entry - entries.begin())];
}

Result<std::size_t> Run::read_index(cbor::Reader& argument) const {
  const auto index = argument.read_uint();
  if (!index) return index.error().within(command_name_);
  return item_of(*index);
}

/// Each map is read once, however often it is run.
Result<const Parameters*> Run::parameters_at(cbor::Reader& argument) {
  const std::size_t manifest = world_.frames.back().manifest;
  const auto place = std::pair(manifest, argument.offset());
  auto known = parameters_.find(place);
  if (known == parameters_.end()) {
    cbor::Reader reader = argument;
    auto read = read_parameters(reader, manifest);
    if (!read) return read.error().within(command_name_);
    known = parameters_.emplace(place, std::move(*read)).first;
  }
  if (auto skipped = argument.skip(); !skipped) return skipped.error();
  return &known->second;
}

}  // namespace hg::suit
