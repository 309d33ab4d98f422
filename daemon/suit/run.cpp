// SPDX-License-Identifier: Apache-2.0
#include "suit/run.hpp"

#include <algorithm>

#include "suit/labels.hpp"
#include "suit/limits.hpp"

namespace hg::suit {
namespace {

/// Staging, then installation, then what a boot does.
constexpr std::int64_t kSections[] = {label::kDependencyResolution,
                                      label::kPayloadFetch,
                                      label::kCandidateVerification,
                                      label::kInstall,
                                      label::kValidate,
                                      label::kLoad,
                                      label::kInvoke,
                                      label::kUninstall};

Place place_of(std::int64_t section) {
  switch (section) {
    case label::kCandidateVerification:
    case label::kValidate:
      return kInVerification;
    case label::kLoad:
      return kInLoad;
    case label::kInvoke:
      return kInInvoke;
    case label::kUninstall:
      return kInUninstall;
    default:
      return kInStaging;
  }
}

/// Whether an update runs the section, validate included: an image that will not be valid need not be brought.
bool is_of_delivery(std::int64_t section) {
  return place_of(section) == kInStaging || place_of(section) == kInVerification;
}

}  // namespace

Result<Outcome> run_symbolically(Bundle& bundle) {
  return Run(bundle).all();
}

Run::Run(Bundle& bundle) : bundle_(bundle) {
  Scope scope;
  const Members& root = bundle[0].members;
  const auto add = [this](std::vector<std::size_t>& to, const ComponentId& id, bool is_dependency) {
    to.push_back(subjects_.size());
    subjects_.push_back({id, is_dependency});
  };
  for (const ComponentId& id : root.components) add(scope.components, id, false);
  for (const DependencyEntry& entry : root.dependencies) add(scope.dependencies, entry.id, true);
  scopes_[0] = std::move(scope);
}

Result<Outcome> Run::all() {
  const auto& sequences = bundle_[0].members.sequences;
  ended_.push_back(Course{std::vector<Item>(subjects_.size()), std::nullopt});
  for (const std::int64_t key : kSections) {
    const bool stands_for_none = sequences.empty() && key == label::kValidate;  // the shared sequence is checked, too
    if (!sequences.contains(key) && !stands_for_none) continue;
    if (auto ran = section(key); !ran) return ran.error();
  }
  Outcome outcome{subjects_, std::move(ended_), {}};
  for (Course& course : outcome.courses) course.items.resize(subjects_.size());
  for (const auto& [manifest, scope] : scopes_) {
    if (manifest != 0) outcome.processed.push_back(manifest);
  }
  return outcome;
}

/// Goes on with every course that the sections before have left.
Result<void> Run::section(std::int64_t key) {
  section_ = key;
  is_delivery_ = is_of_delivery(key);
  const std::vector<Course> begun = std::exchange(ended_, {});
  for (auto course = begun.rbegin(); course != begun.rend(); ++course) {
    World world{*course, {}};
    if (auto pushed = push_manifest(world, 0, 1); !pushed) return pushed;
    waiting_.push_back(std::move(world));
  }
  return explore();
}

Result<void> Run::explore() {
  first_death_.reset();
  while (!waiting_.empty()) {
    world_ = std::move(waiting_.back());
    waiting_.pop_back();
    is_dead_ = false;
    if (auto advanced = advance(); !advanced) return advanced;
    if (is_dead_) continue;
    world_.course.forget_parameters();
    if (std::ranges::find(ended_, world_.course) == ended_.end()) ended_.push_back(std::move(world_.course));
  }
  if (ended_.empty()) return first_death_->within("every branch fails");
  return {};
}

/// Runs the world to its end or its death.
Result<void> Run::advance() {
  while (!world_.frames.empty() && !is_dead_) {
    const std::size_t manifest = world_.frames.back().manifest;
    const Place place = world_.frames.back().place;
    if (auto moved = move_on(); !moved) return located(moved.error(), manifest, place);
  }
  return {};
}

Result<void> Run::move_on() {
  Frame& frame = world_.frames.back();
  if (frame.kind == Frame::Kind::try_each) return take_alternative();
  if (frame.left > 0) {
    --frame.left;
    return step();
  }
  if (auto finished = frame.reader.finish(); !finished) return finished;
  world_.frames.pop_back();
  return {};
}

/// Runs the next command of the topmost sequence. The sequence is moved past it first, since it may push another.
Result<void> Run::step() {
  cbor::Reader& reader = world_.frames.back().reader;
  command_offset_ = reader.offset();
  const auto code = reader.read_int();
  if (!code) return code.error().within("command");
  const Command* command = find_command(*code);
  command_name_ = (command != nullptr ? std::string(command->name) : "command") + " (" + std::to_string(*code) + ")";
  if (auto counted = count_step(); !counted) return counted;
  if (command == nullptr) return refuse(Errc::unsupported, "is unknown");
  if ((command->places & static_cast<unsigned>(world_.frames.back().place)) == 0) {
    return refuse(Errc::invalid, "may not stand here");
  }
  cbor::Reader argument = reader;
  if (auto skipped = reader.skip(); !skipped) return skipped;
  return command->each != nullptr ? each_selected(*command, argument) : (this->*command->whole)(argument);
}

/// The next alternative takes the place of its try-each. Those after it are for another world, in which this one
/// failed: that is not known to be so, and nothing is concluded from it.
Result<void> Run::take_alternative() {
  Frame& pending = world_.frames.back();
  const bool is_none = pending.reader.next_is(cbor::Type::null);  // the last may be: then nothing is done
  Frame chosen = pending;
  if (!is_none) chosen.reader = *pending.reader.read_wrapped();  // try_each() looked at them all
  if (--pending.left > 0) {
    if (auto branched = branch(world_); !branched) return branched;
  }
  world_.frames.pop_back();
  if (is_none) return {};
  chosen.kind = Frame::Kind::alternative;
  chosen.is_soft = true;
  ++chosen.depth;
  return push_sequence(world_, std::move(chosen));
}

Result<void> Run::branch(World world) {
  if (waiting_.size() + ended_.size() + 1 >= kMaxBranches) {
    return world.frames.back().reader.error(Errc::too_large, "more than " + std::to_string(kMaxBranches) + " branches");
  }
  waiting_.push_back(std::move(world));
  return {};
}

/// The shared sequence of a manifest, and then its part of this section.
Result<void> Run::push_manifest(World& world, std::size_t manifest, std::size_t depth) const {
  const Members& members = bundle_[manifest].members;
  const Scope& scope = scopes_.at(manifest);
  Frame frame;
  frame.manifest = manifest;
  frame.depth = depth;
  const bool is_only_one = scope.components.size() + scope.dependencies.size() == 1;
  if (is_only_one) frame.selected = scope.components;  // with more, every sequence begins with a selection (§8.4.10.1)
  if (const auto own = members.sequences.find(section_); own != members.sequences.end()) {
    frame.reader = own->second.content;
    frame.place = place_of(section_);
    if (auto pushed = push_sequence(world, frame); !pushed) return located(pushed.error(), manifest, frame.place);
  }
  if (!members.shared_sequence) return {};
  frame.reader = *members.shared_sequence;
  frame.place = kInShared;
  if (auto pushed = push_sequence(world, frame); !pushed) return located(pushed.error(), manifest, frame.place);
  return {};
}

/// `frame.reader` stands at the array.
Result<void> Run::push_sequence(World& world, Frame frame) {
  const cbor::Reader start = frame.reader;
  if (frame.depth > kMaxSequenceDepth) return start.error(Errc::too_large, "command sequences nested too deep");
  const auto count = frame.reader.enter_array();
  if (!count) return count.error();
  if (*count == 0 || *count % 2 != 0) {
    return start.error(Errc::invalid, "a command sequence of " + std::to_string(*count) + " elements");
  }
  frame.left = *count / 2;
  world.frames.push_back(std::move(frame));
  return {};
}

/// A dependency's components are those of the same name, so that it finds the parameters that were set for it.
Result<void> Run::enter(std::size_t manifest) {
  if (!scopes_.contains(manifest)) {
    Scope scope;
    for (const ComponentId& id : bundle_[manifest].members.components) {
      const auto known = std::ranges::find_if(
          subjects_, [&id](const Subject& subject) { return !subject.is_dependency && subject.id == id; });
      scope.components.push_back(static_cast<std::size_t>(known - subjects_.begin()));
      if (known == subjects_.end()) subjects_.push_back({id, false});
    }
    if (subjects_.size() > kMaxComponents + kMaxDependencies) {
      return refuse(Errc::too_large, "brings more than " + std::to_string(kMaxComponents) + " components together");
    }
    scopes_[manifest] = std::move(scope);
  }
  world_.course.items.resize(subjects_.size());
  return {};
}

/// Says in whose sequence the offset is.
Error Run::located(const Error& error, std::size_t manifest, Place place) const {
  const Error in_sequence =
      error.within(place == kInShared ? std::string_view("shared sequence") : name_of_member(section_));
  if (manifest == 0) return in_sequence;
  const auto& id = bundle_[manifest].members.manifest_id;
  return in_sequence.within("dependency " + (id ? id->text() : std::to_string(manifest)));
}

Error Run::refuse(Errc code, std::string_view why) const {
  return cbor::Reader::error_at(command_offset_, code, command_name_ + " " + std::string(why));
}

Result<void> Run::count_step() {
  if (++steps_ > kMaxCommands) return refuse(Errc::too_large, "is one command too many");
  return {};
}

Result<void> Run::fail(std::string_view why) {
  const Error error = refuse(Errc::invalid, why);
  if (std::ranges::none_of(world_.frames, &Frame::is_soft)) return error;
  const Frame& frame = world_.frames.back();
  if (!first_death_) first_death_ = located(error, frame.manifest, frame.place);
  is_dead_ = true;
  return {};
}

}  // namespace hg::suit
