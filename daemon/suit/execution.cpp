// SPDX-License-Identifier: Apache-2.0
#include "suit/execution.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "suit/labels.hpp"
#include "suit/limits.hpp"
#include "suit/parameters.hpp"

namespace hg::suit {
namespace {

constexpr std::uint64_t kAllReportingBits = 0xF;  // §8.4.7: four bits

/// Sections in which a command may stand.
enum Place : unsigned { kInShared = 1, kInStaging = 2, kInInvoke = 4, kInOthers = 8 };
constexpr unsigned kAnywhere = kInShared | kInStaging | kInInvoke | kInOthers;
constexpr unsigned kNotShared = kAnywhere & ~static_cast<unsigned>(kInShared);

Place place_of(std::int64_t section) {
  if (section == label::kInvoke) return kInInvoke;
  const bool is_staging =
      section == label::kDependencyResolution || section == label::kPayloadFetch || section == label::kInstall;
  return is_staging ? kInStaging : kInOthers;
}

/// What the run knows of one component.
struct Component {
  Parameters now;  ///< at this point of the section
  // Found so far, over all sections:
  std::optional<ByteView> vendor_id;
  std::optional<ByteView> class_id;
  std::optional<ByteView> device_id;
  std::optional<Parameters> fetched;  ///< the parameters with which it was fetched
};

/// A command sequence being run. Nested ones stand above the one that called them.
struct Frame {
  cbor::Reader reader;
  std::size_t commands_left = 0;
  std::vector<std::size_t> selected;  ///< component indices; empty: none selected yet
  std::size_t depth = 1;
};

class Run {
 public:
  explicit Run(const Members& members) : members_(members), components_(members.components.size()) {}

  Result<void> section(std::int64_t key, const Element& element);
  [[nodiscard]] Result<std::vector<Image>> images() const;

 private:
  struct Command {
    std::int64_t code;
    std::string_view name;
    unsigned places;
    Result<void> (Run::*step)(cbor::Reader& argument);  ///< none: known to the drafts, not yet to us
  };
  static const Command kCommands[];

  Result<void> sequence(const cbor::Reader& content, Place place);
  Result<void> call(const cbor::Reader& content, std::vector<std::size_t> selected, std::size_t depth);
  Result<void> step();
  Result<void> each_selected(Result<void> (Run::*action)(Component&));
  Result<void> condition(cbor::Reader& argument, Result<void> (Run::*action)(Component&));

  Result<void> vendor_identifier(cbor::Reader& argument) { return condition(argument, &Run::match_vendor); }
  Result<void> class_identifier(cbor::Reader& argument) { return condition(argument, &Run::match_class); }
  Result<void> device_identifier(cbor::Reader& argument) { return condition(argument, &Run::match_device); }
  Result<void> image_match(cbor::Reader& argument) { return condition(argument, &Run::match_image); }
  Result<void> fetch(cbor::Reader& argument) { return condition(argument, &Run::fetch_image); }
  Result<void> invoke(cbor::Reader& argument) { return condition(argument, &Run::pass); }
  Result<void> abort(cbor::Reader& argument) { return condition(argument, &Run::fail); }
  Result<void> set_component_index(cbor::Reader& argument);
  Result<void> set_parameters(cbor::Reader& argument);
  Result<void> override_parameters(cbor::Reader& argument);
  Result<void> run_sequence(cbor::Reader& argument);

  Result<void> match_vendor(Component& component) { return bind(component.vendor_id, component.now.vendor_id); }
  Result<void> match_class(Component& component) { return bind(component.class_id, component.now.class_id); }
  Result<void> match_device(Component& component) { return bind(component.device_id, component.now.device_id); }
  Result<void> match_image(Component& component);
  Result<void> fetch_image(Component& component);
  Result<void> pass(Component&) { return {}; }
  Result<void> fail(Component&) { return refuse(Errc::invalid, "always fails"); }
  Result<void> bind(std::optional<ByteView>& found, const std::optional<ByteView>& wanted);
  [[nodiscard]] Result<Image> image(std::size_t index) const;
  [[nodiscard]] Error refuse(Errc code, std::string_view why) const;

  const Members& members_;
  std::vector<Component> components_;
  std::vector<Frame> frames_;
  Place place_ = kInShared;
  std::size_t commands_run_ = 0;
  std::size_t command_offset_ = 0;
  std::string command_name_;
};

// A condition takes the same argument as a directive without one: a reporting policy.
constexpr Run::Command Run::kCommands[] = {
    {1, "condition-vendor-identifier", kAnywhere, &Run::vendor_identifier},
    {2, "condition-class-identifier", kAnywhere, &Run::class_identifier},
    {3, "condition-image-match", kAnywhere, &Run::image_match},
    {4, "condition-use-before", kAnywhere, nullptr},
    {5, "condition-component-slot", kAnywhere, nullptr},
    {6, "condition-check-content", kAnywhere, nullptr},
    {7, "condition-dependency-integrity", kAnywhere, nullptr},
    {8, "condition-is-dependency", kAnywhere, nullptr},
    {11, "directive-process-dependency", kNotShared, nullptr},
    {12, "directive-set-component-index", kAnywhere, &Run::set_component_index},
    {14, "condition-abort", kAnywhere, &Run::abort},
    {15, "directive-try-each", kAnywhere, nullptr},
    {18, "directive-write", kNotShared, nullptr},
    {19, "directive-set-parameters", kAnywhere, &Run::set_parameters},
    {20, "directive-override-parameters", kAnywhere, &Run::override_parameters},
    {21, "directive-fetch", kInStaging, &Run::fetch},
    {22, "directive-copy", kNotShared, nullptr},
    {23, "directive-invoke", kInInvoke, &Run::invoke},
    {24, "condition-device-identifier", kAnywhere, &Run::device_identifier},
    {25, "condition-image-not-match", kAnywhere, nullptr},
    {26, "condition-minimum-battery", kAnywhere, nullptr},
    {27, "condition-update-authorized", kAnywhere, nullptr},
    {28, "condition-version", kAnywhere, nullptr},
    {29, "directive-wait", kNotShared, nullptr},
    {31, "directive-swap", kNotShared, nullptr},
    {32, "directive-run-sequence", kAnywhere, &Run::run_sequence},
    {33, "directive-unlink", kNotShared, nullptr},
    {34, "directive-override-multiple", kAnywhere, nullptr},
    {35, "directive-copy-params", kAnywhere, nullptr},
};

Error Run::refuse(Errc code, std::string_view why) const {
  return cbor::Reader::error_at(command_offset_, code, command_name_ + " " + std::string(why));
}

Result<void> Run::section(std::int64_t key, const Element& element) {
  for (Component& component : components_) component.now = Parameters{};
  if (members_.shared_sequence) {
    if (auto ran = sequence(*members_.shared_sequence, kInShared); !ran) return ran.error().within("shared sequence");
  }
  if (auto ran = sequence(element.content, place_of(key)); !ran) return ran.error().within(name_of_member(key));
  return {};
}

Result<void> Run::sequence(const cbor::Reader& content, Place place) {
  place_ = place;
  std::vector<std::size_t> selected;
  if (components_.size() == 1) selected.push_back(0);  // with more, every sequence begins with a selection (§8.4.10.1)
  if (auto called = call(content, std::move(selected), 1); !called) return called;
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.commands_left == 0) {
      if (auto finished = frame.reader.finish(); !finished) return finished;
      frames_.pop_back();
      continue;
    }
    --frame.commands_left;
    if (auto stepped = step(); !stepped) return stepped;
  }
  return {};
}

Result<void> Run::call(const cbor::Reader& content, std::vector<std::size_t> selected, std::size_t depth) {
  Frame frame{content, 0, std::move(selected), depth};
  if (depth > kMaxSequenceDepth) return content.error(Errc::too_large, "command sequences nested too deep");
  const auto count = frame.reader.enter_array();
  if (!count) return count.error();
  if (*count == 0 || *count % 2 != 0) {
    return content.error(Errc::invalid, "a command sequence of " + std::to_string(*count) + " elements");
  }
  frame.commands_left = *count / 2;
  frames_.push_back(std::move(frame));
  return {};
}

/// Runs the next command of the topmost sequence. The sequence is moved past it first, since it may push another.
Result<void> Run::step() {
  cbor::Reader& reader = frames_.back().reader;
  command_offset_ = reader.offset();
  const auto code = reader.read_int();
  if (!code) return code.error().within("command");
  const auto command = std::ranges::find(kCommands, *code, &Command::code);
  const bool is_known = command != std::end(kCommands);
  command_name_ = (is_known ? std::string(command->name) : "command") + " (" + std::to_string(*code) + ")";
  if (++commands_run_ > kMaxCommands) return refuse(Errc::too_large, "is one command too many");
  if (!is_known) return refuse(Errc::unsupported, "is unknown");
  if ((command->places & static_cast<unsigned>(place_)) == 0) return refuse(Errc::invalid, "may not stand here");
  if (command->step == nullptr) return refuse(Errc::unsupported, "is not supported");
  cbor::Reader argument = reader;
  if (auto skipped = reader.skip(); !skipped) return skipped;
  return (this->*command->step)(argument);
}

Result<void> Run::each_selected(Result<void> (Run::*action)(Component&)) {
  if (frames_.back().selected.empty()) return refuse(Errc::invalid, "before directive-set-component-index");
  for (const std::size_t index : frames_.back().selected) {
    if (auto done = (this->*action)(components_[index]); !done) return done;
  }
  return {};
}

Result<void> Run::condition(cbor::Reader& argument, Result<void> (Run::*action)(Component&)) {
  const auto policy = argument.read_uint();
  if (!policy) return policy.error().within(command_name_ + ": reporting policy");
  if (*policy > kAllReportingBits) return refuse(Errc::invalid, "with unknown reporting bits");
  return each_selected(action);
}

/// uint, true, or [+ uint]
Result<void> Run::set_component_index(cbor::Reader& argument) {
  std::vector<std::size_t> selected;
  if (argument.next_is(cbor::Type::boolean)) {
    if (!*argument.read_bool()) return refuse(Errc::invalid, "with false");
    selected.resize(components_.size());
    std::iota(selected.begin(), selected.end(), std::size_t{0});
  } else {
    std::size_t count = 1;
    if (argument.next_is(cbor::Type::array)) count = *argument.enter_array();
    if (count == 0 || count > components_.size()) return refuse(Errc::invalid, "with too few or too many indices");
    for (std::size_t i = 0; i < count; ++i) {
      const auto index = argument.read_uint();
      if (!index) return index.error().within(command_name_);
      if (*index >= components_.size()) return refuse(Errc::invalid, "with an index that no component has");
      selected.push_back(static_cast<std::size_t>(*index));
    }
  }
  frames_.back().selected = std::move(selected);
  return {};
}

Result<void> Run::set_parameters(cbor::Reader& argument) {
  if (frames_.back().selected.empty()) return refuse(Errc::invalid, "before directive-set-component-index");
  const auto parameters = read_parameters(argument);
  if (!parameters) return parameters.error().within(command_name_);
  for (const std::size_t index : frames_.back().selected) components_[index].now.fill_from(*parameters);
  return {};
}

Result<void> Run::override_parameters(cbor::Reader& argument) {
  if (frames_.back().selected.empty()) return refuse(Errc::invalid, "before directive-set-component-index");
  const auto parameters = read_parameters(argument);
  if (!parameters) return parameters.error().within(command_name_);
  for (const std::size_t index : frames_.back().selected) components_[index].now.override_with(*parameters);
  return {};
}

/// Runs once for each selected component, in order, so the last is pushed first (§6.4: run-sequence).
Result<void> Run::run_sequence(cbor::Reader& argument) {
  const auto content = argument.read_wrapped();
  if (!content) return content.error().within(command_name_);
  const std::vector<std::size_t> selected = frames_.back().selected;
  const std::size_t depth = frames_.back().depth + 1;
  if (selected.empty()) return refuse(Errc::invalid, "before directive-set-component-index");
  for (auto index = selected.rbegin(); index != selected.rend(); ++index) {
    if (auto called = call(*content, {*index}, depth); !called) return called;
  }
  return {};
}

/// The component is for what the parameter says; saying it again, differently, would fit no device at all.
Result<void> Run::bind(std::optional<ByteView>& found, const std::optional<ByteView>& wanted) {
  if (!wanted) return refuse(Errc::invalid, "without its parameter");
  if (found && !std::ranges::equal(*found, *wanted)) return refuse(Errc::invalid, "contradicts an earlier one");
  found = wanted;
  return {};
}

Result<void> Run::match_image(Component& component) {
  if (!component.now.image_digest) return refuse(Errc::invalid, "without an image digest");
  const bool was_fetched = component.fetched.has_value();
  if (was_fetched && component.fetched->image_digest != component.now.image_digest) {
    return refuse(Errc::invalid, "wants another image than the one fetched");
  }
  return {};
}

/// "A digest MUST always be set using Override Parameters" (§8.4.10.4); the size bounds what we take from a server.
Result<void> Run::fetch_image(Component& component) {
  const Parameters& now = component.now;
  if (!now.uri) return refuse(Errc::invalid, "without a URI");
  if (!now.image_digest) return refuse(Errc::invalid, "without an image digest");
  if (!now.image_size) return refuse(Errc::invalid, "without an image size");
  if (component.fetched) {
    const Parameters& before = *component.fetched;
    const bool same =
        before.uri == now.uri && before.image_digest == now.image_digest && before.image_size == now.image_size;
    if (!same) return refuse(Errc::unsupported, "fetches another image into the same component");
  }
  component.fetched = now;
  return {};
}

Uuid to_uuid(ByteView bytes) {
  Uuid uuid{};
  std::ranges::copy(bytes, uuid.begin());  // 16 bytes: read_parameters checked it
  return uuid;
}

Result<Image> Run::image(std::size_t index) const {
  const Component& component = components_[index];
  Image image;
  image.component = members_.components[index];
  const std::string name = "component " + image.component.text();
  if (!component.vendor_id) return Error{Errc::invalid, name + " is fetched without a vendor condition"};
  if (!component.class_id) return Error{Errc::invalid, name + " is fetched without a class condition"};
  image.vendor_id = to_uuid(*component.vendor_id);
  image.class_id = to_uuid(*component.class_id);
  if (component.device_id) image.device_id = to_uuid(*component.device_id);
  image.digest = *component.fetched->image_digest;
  image.size = *component.fetched->image_size;
  image.uri = *component.fetched->uri;
  return image;
}

Result<std::vector<Image>> Run::images() const {
  std::vector<Image> found;
  for (std::size_t index = 0; index < components_.size(); ++index) {
    if (!components_[index].fetched) continue;
    auto one = image(index);
    if (!one) return one.error();
    found.push_back(std::move(*one));
  }
  if (found.empty()) return Error{Errc::unsupported, "no image is fetched: nothing to distribute"};
  return found;
}

}  // namespace

Result<std::vector<Image>> run_symbolically(const Members& members) {
  Run run(members);
  for (const std::int64_t key : {label::kDependencyResolution, label::kPayloadFetch, label::kCandidateVerification,
                                 label::kInstall, label::kValidate, label::kLoad, label::kInvoke, label::kUninstall}) {
    const auto section = members.sequences.find(key);
    if (section == members.sequences.end()) continue;
    if (auto ran = run.section(key, section->second); !ran) return ran.error();
  }
  return run.images();
}

}  // namespace hg::suit
