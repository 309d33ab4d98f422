// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/child_requests.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "adapters/crypto/uuid5.hpp"

namespace hg::bus {
namespace {

constexpr std::size_t kMaxTexts = 256;  // bytes of an address, a vendor, a class, a key's name
constexpr std::size_t kMaxTargets = 16;
constexpr std::string_view kDefaultProfile = "mcuboot-swap";  // as in the configuration

Result<core::ChildId> child_called(sd_bus_message* call, const ObjectTree& tree) {
  auto child = tree.child_at(ObjectPath{sd_bus_message_get_path(call)});
  if (!child) return Error{Errc::not_found, "no such child"};
  return *std::move(child);
}

/// "app", or "radio:1" with the image number on the child.
Result<std::pair<std::string, std::uint8_t>> target_from(const std::string& text) {
  const auto refused = [&] {
    return Error{Errc::invalid, "target \"" + text.substr(0, 64) + "\": not NAME or NAME:IMAGE"};
  };
  const std::size_t colon = text.rfind(':');
  if (text.empty() || text.size() > kMaxTexts || colon == 0) return refused();
  if (colon == std::string::npos) return std::pair{text, std::uint8_t{0}};
  std::uint8_t image_number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data() + colon + 1, end, image_number);
  if (error != std::errc{} || stopped != end) return refused();
  return std::pair{text.substr(0, colon), image_number};
}

/// The texts of the options, none too long, and those there that must be.
Result<void> check_texts(const Options& options) {
  for (const auto& [name, text] : options.text)
    if (text.empty() || text.size() > kMaxTexts)
      return Error{Errc::invalid, "option \"" + name + "\": 1 to " + std::to_string(kMaxTexts) + " bytes"};
  for (const char* needed : {"transport", "address", "vendor", "class"})
    if (!options.text.contains(needed))
      return Error{Errc::invalid, std::string{"option \""} + needed + "\" must be said of a child"};
  return {};
}

Result<core::KeyUse> read_use(sd_bus_message* call) {
  const auto name = read_string(call);
  if (name.has_error()) return name.error();
  const auto use = core::key_use_from(name.value());
  if (!use) return Error{Errc::invalid, "not one of wrap, identify, link"};
  return *use;
}

}  // namespace

Result<Request> read_enroll(sd_bus_message* call, const ObjectTree& /*tree*/) {
  auto id = read_string(call);
  if (id.has_error()) return id.error();
  if (!is_name(id.value())) return Error{Errc::invalid, "child: no name"};
  constexpr std::array kOptions{KnownOption{"transport", OptionType::text}, KnownOption{"address", OptionType::text},
                                KnownOption{"profile", OptionType::text},   KnownOption{"vendor", OptionType::text},
                                KnownOption{"class", OptionType::text},     KnownOption{"targets", OptionType::texts}};
  auto options = read_options(call, kOptions);
  if (options.has_error()) return options.error();
  if (const auto checked = check_texts(options.value()); checked.has_error()) return checked.error();
  std::map<std::string, std::string>& said = options->text;
  core::Registration made;
  made.id = std::move(id).value();
  made.transport = std::move(said["transport"]);
  made.address = std::move(said["address"]);
  made.profile = said.contains("profile") ? std::move(said["profile"]) : std::string{kDefaultProfile};
  made.vendor = crypto::uuid_from(said["vendor"], crypto::kDnsNamespace);
  made.device_class = crypto::uuid_from(said["class"], made.vendor);
  const auto& targets = options->texts["targets"];
  if (targets.size() > kMaxTargets) return Error{Errc::too_large, "more than 16 targets"};
  for (const std::string& text : targets) {
    auto target = target_from(text);
    if (target.has_error()) return target.error();
    made.targets.push_back(std::move(target).value());
  }
  return Request{EnrollChild{std::move(made)}};
}

Result<Request> read_forget(sd_bus_message* call, const ObjectTree& tree) {
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  auto child = child_called(call, tree);
  if (child.has_error()) return child.error();
  return Request{ForgetChild{std::move(child).value()}};
}

Result<Request> read_replace_board(sd_bus_message* call, const ObjectTree& tree) {
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  auto child = child_called(call, tree);
  if (child.has_error()) return child.error();
  return Request{ReplaceBoard{std::move(child).value()}};
}

/// What is in the file nobody looks at before the caller is authorized.
Result<Request> read_set_key(sd_bus_message* call, const ObjectTree& tree) {
  const auto use = read_use(call);
  if (use.has_error()) return use.error();
  Result<UniqueFd> file = read_descriptor(call);
  if (file.has_error()) return file.error();
  constexpr std::array kOptions{KnownOption{"name", OptionType::text}};
  auto options = read_options(call, kOptions);
  if (options.has_error()) return options.error();
  std::string name = std::move(options->text["name"]);
  const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (name.size() > kMaxTexts || !std::ranges::all_of(name, is_printable))
    return Error{Errc::invalid, "option \"name\": at most 256 bytes of printable ASCII"};
  auto child = child_called(call, tree);
  if (child.has_error()) return child.error();
  return Request{SetKey{std::move(child).value(), use.value(), std::move(name),
                        LentFile{.file = std::move(file).value(), .place = {}}}};
}

Result<Request> read_revoke_key(sd_bus_message* call, const ObjectTree& tree) {
  const auto use = read_use(call);
  if (use.has_error()) return use.error();
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  auto child = child_called(call, tree);
  if (child.has_error()) return child.error();
  return Request{RevokeKey{std::move(child).value(), use.value()}};
}

}  // namespace hg::bus
