// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_inspection.hpp"

#include <algorithm>
#include <utility>

#include "base/version_mark.hpp"
#include "wire/limits.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kFirstPause = 250ms;
constexpr Milliseconds kLongestPause = 5s;
constexpr Milliseconds kSpare = 500ms;    // before the deadline, so that the answer says what it waited for
constexpr Milliseconds kOnItsWay = 5s;    // a datagram, beyond the time in which it is sent again
constexpr Milliseconds kLettingGo = 10s;  // from an empty URI to State 0

const std::vector<std::uint16_t> kOfDevice{0, 1, 2, 3, 9, 18, 20};
const std::vector<std::uint16_t> kOfFirmware{1, 3, 5, 7, 9, 10, 11, 13, 14, 15};

/// What stands for the image of a child that tells nothing of it: never the digest of one. FNV-1a, from four starts.
Digest unknown_image(std::string_view endpoint, std::string_view version) {
  Bytes bytes{'L', 'w', 'M', '2', 'M'};
  const std::string text = std::string(endpoint) + '\0' + std::string(version);
  for (std::uint64_t start = 1; bytes.size() < 32; ++start) {
    std::uint64_t hash = 14695981039346656037ULL * start;
    for (const char character : text) hash = (hash ^ static_cast<std::uint8_t>(character)) * 1099511628211ULL;
    for (unsigned shift = 0; shift < 64 && bytes.size() < 32; shift += 8) {
      bytes.push_back(static_cast<std::uint8_t>(hash >> shift));
    }
  }
  return Digest::from_bytes(bytes).value_or(Digest());
}

/// What is wrong with it now that would spoil an update, and may pass.
bool is_in_the_way(const std::string& error) {
  return error.find("battery") != std::string::npos || error.find("power") != std::string::npos ||
         error.find("memory") != std::string::npos;
}

}  // namespace

bool is_failed(UpdateResult result) {
  return result != UpdateResult::initial && result != UpdateResult::success && result != UpdateResult::deferred;
}

Error failed_with(UpdateResult result) {
  const std::string number = "Result " + std::to_string(static_cast<unsigned>(result));
  auto cause = cause_of(result);
  if (!cause) return Error{Errc::mismatch, number};
  return std::move(*cause).within(number);
}

const Part* Sight::part(std::uint8_t image) const {
  const auto found = std::ranges::find(parts, image, &Part::image);
  return found == parts.end() ? nullptr : &*found;
}

Inspection::Inspection(std::shared_ptr<Contact> contact, std::shared_ptr<BroughtImages> brought, std::string endpoint,
                       Profile profile)
    : access_(std::move(contact)),
      brought_(std::move(brought)),
      endpoint_(std::move(endpoint)),
      profile_(std::move(profile)),
      begun_(clock().now()) {}

// ------------------------------------------------------------------------------------------------------------ looking

Result<std::vector<ResourcePath>> Inspection::instances() const {
  const auto& registration = access_.contact().registration();
  if (!registration) return Error{Errc::unavailable, "the child is not registered"};
  const ObjectList& objects = registration->objects;
  std::uint16_t object = profile_.object;
  if (object == 0) {
    const bool is_advanced = !objects.instances(kAdvancedFirmwareObject).empty() || !objects.has(kFirmwareObject);
    object = is_advanced ? kAdvancedFirmwareObject : kFirmwareObject;
  }
  if (!objects.has(object)) {
    const std::string wanted = profile_.object == 0 ? "5 or 33629" : std::to_string(profile_.object);
    return Error{Errc::unsupported, "the child lists no object " + wanted + ": it cannot be updated by LwM2M"};
  }
  std::vector<ResourcePath> paths;
  for (const std::uint16_t instance : objects.instances(object)) {
    if (instance < 256 && paths.size() < wire::kMaxMoves) paths.push_back({object, instance, {}, {}});
  }
  if (paths.empty()) paths.push_back({object, std::uint16_t{0}, {}, {}});
  return paths;
}

bool Inspection::is_told_by_package(const ResourcePath& instance) const {
  return profile_.evidence == Proves::package || (instance.object == kFirmwareObject && *instance.instance != 0);
}

/// PkgVersion is that of the package which the child holds, or was told to install and could not: of what runs it tells
/// only where there is none.
std::string Inspection::running_package(const Part& part) const {
  const Brought brought = brought_->of(part.image);
  const std::string& told = part.firmware.package_version;
  if (part.firmware.state != FirmwareState::idle) return brought.runs;
  const bool is_ours = !brought.after.empty() && version_mark(part.image, told) == brought.after;
  const bool is_installed = part.firmware.result == UpdateResult::success || brought.installed == brought.after;
  return is_ours && !is_installed && !brought.runs.empty() ? brought.runs : told;
}

asio::awaitable<Error> Inspection::failure(ResourcePath instance, UpdateResult result) {
  Error error = failed_with(result);
  const bool names_others = result == UpdateResult::conflicting_state || result == UpdateResult::dependency_error;
  if (!names_others || instance.object != kAdvancedFirmwareObject) co_return error;
  const auto said = co_await access_.read(instance, kOfFirmware, clock().now() + profile_.answer);
  if (!said) co_return error;
  const auto firmware = firmware_from(*said, instance.object, *instance.instance);
  if (!firmware || firmware->conflicting.empty()) co_return error;
  error.message += "; it names";
  for (const ObjectLink& link : firmware->conflicting) {
    error.message += " /" + std::to_string(link.object) + "/" + std::to_string(link.instance);
  }
  error.message = wire::bounded_text(error.message);
  co_return error;
}

asio::awaitable<Result<Part>> Inspection::look_at(ResourcePath instance, std::string device_version,
                                                  SteadyTime deadline) {
  const auto resources = co_await access_.read(instance, kOfFirmware, deadline);
  if (!resources) co_return resources.error();
  auto firmware = firmware_from(*resources, instance.object, *instance.instance);
  if (!firmware) co_return firmware.error();
  Part part;
  part.image = static_cast<std::uint8_t>(*instance.instance);
  part.instance = instance;
  part.firmware = std::move(*firmware);
  const bool is_advanced = instance.object == kAdvancedFirmwareObject;
  if (is_told_by_package(instance)) {
    part.version = running_package(part);
    if (part.version.empty() && part.firmware.state != FirmwareState::idle) {
      co_return Error{Errc::busy,
                      "the child holds an image that it was not brought, and tells the version of that one only"};
    }
  } else {
    part.version = is_advanced ? part.firmware.current_version : std::move(device_version);
  }
  if (part.version.empty() && profile_.evidence != Proves::result) {
    co_return Error{Errc::unsupported,
                    "the child does not tell a version of image " + std::to_string(part.image) +
                        ": the profile of its type needs another coap.evidence (package, or result)"};
  }
  co_return part;
}

/// Object 5 1.2 that installs by itself, and does not let it be switched off.
asio::awaitable<Result<bool>> Inspection::installs_at_once(Part part, SteadyTime deadline) {
  if (profile_.installs_at_once) co_return true;
  if (part.instance.object != kFirmwareObject || !part.firmware.automatic.value_or(false)) co_return false;
  ResourcePath path = part.instance;
  path.resource = firmware::kAutomatic;
  const auto written = co_await access_.write(path, Value(false), deadline);
  if (!written && (written.error().is_transient() || written.error().code == Errc::cancelled)) {
    co_return written.error();
  }
  const auto now = co_await access_.read_one(path, deadline);
  if (!now) co_return now.error();
  co_return *now && (*now)->boolean().value_or(true);
}

asio::awaitable<Result<Sight>> Inspection::look(SteadyTime deadline) {
  const auto reached = co_await access_.contact().peer(deadline);
  if (!reached) co_return reached.error();
  const auto paths = instances();
  if (!paths) co_return paths.error();
  Sight sight;
  const ResourcePath device_path{kDeviceObject, std::uint16_t{0}, {}, {}};
  const auto said = co_await access_.read(device_path, kOfDevice, deadline);
  if (!said && said.error().code != Errc::not_found) co_return said.error();
  if (said) {
    auto device = device_from(*said);
    if (device) sight.device = std::move(*device);
  }
  const std::string version = sight.device ? sight.device->firmware_version : std::string();
  for (const ResourcePath& path : *paths) {
    auto part = co_await look_at(path, version, deadline);
    if (!part) co_return part.error();
    const auto at_once = co_await installs_at_once(*part, deadline);
    if (!at_once) co_return at_once.error();
    sight.installs_at_once = sight.installs_at_once || *at_once;
    note(*part, *at_once);
    sight.parts.push_back(std::move(*part));
  }
  co_return sight;
}

// ------------------------------------------------------------------------------------- what is remembered, and its end

void Inspection::expect_execution(std::uint8_t image) {
  executed_[image] = clock().now();
  Brought brought = brought_->of(image);
  brought.stage = Stage::executed;
  brought_->set(brought);
}

SteadyTime Inspection::executed_at(std::uint8_t image) const {
  const auto found = executed_.find(image);
  return found == executed_.end() ? begun_ : found->second;
}

/// Whether what it downloads or holds was brought from here.
bool Inspection::is_ours(const Part& part) const {
  const Brought brought = brought_->of(part.image);
  if (brought.stage != Stage::pulled) return brought.stage != Stage::none;
  return part.firmware.uri.empty() || part.firmware.uri == brought.uri;  // it need not say where it pulls from
}

/// Joins what it says with what is remembered, which follows from it.
void Inspection::note(Part& part, bool at_once) {
  Brought brought = brought_->of(part.image);
  const UpdateResult result = part.firmware.result;
  const SteadyTime now = clock().now();
  const std::string version = wire::bounded_text(part.version, wire::kMaxVersionText);  // as it is written down
  if (!brought.installed.empty() && brought.version != version) brought.installed = Digest();
  switch (part.firmware.state) {
    case FirmwareState::idle: {
      const bool was_ordered = brought.stage == Stage::executed || (at_once && brought.stage != Stage::none);
      if (was_ordered && result == UpdateResult::success) {
        brought.installed = brought.after;
        brought.version = version;
        brought.stage = Stage::none;
      } else if (brought.stage == Stage::executed || brought.stage == Stage::staged) {
        brought.stage = Stage::none;  // it has failed, or was lost in a restart
      }
      if (is_told_by_package(part.instance)) brought.runs = version;
      break;
    }
    case FirmwareState::downloading:
    case FirmwareState::updating:
      break;
    case FirmwareState::downloaded:
      if (!is_ours(part)) break;
      if (brought.stage != Stage::executed) {
        brought.stage = Stage::staged;
      } else if (result == UpdateResult::deferred) {
        part.deferred_until = executed_at(part.image) + std::chrono::seconds{profile_.defer_s};
        part.is_deferred = now < part.deferred_until;
        if (!part.is_deferred) brought.stage = Stage::staged;
      } else if (is_failed(result) || now >= executed_at(part.image) + profile_.answer + kOnItsWay) {
        brought.stage = Stage::staged;  // it may be ordered again
      }
      part.standby = brought.after;
      break;
  }
  brought_->set(brought);
  part.active = active_of(part, brought);
}

Digest Inspection::active_of(const Part& part, const Brought& brought) const {
  if (profile_.evidence != Proves::result) return version_mark(part.image, part.version);
  return brought.installed.empty() ? unknown_image(endpoint_, part.version) : brought.installed;
}

std::string Inspection::pending(const Part& part) const {
  const Brought brought = brought_->of(part.image);
  const std::string image = "image " + std::to_string(part.image);
  switch (part.firmware.state) {
    case FirmwareState::updating:
      return "the child is installing " + image;
    case FirmwareState::downloading:
      if (brought.stage == Stage::pulled && is_ours(part)) return {};
      return "the child is downloading " + image + " from elsewhere, and does not let itself be stopped";
    case FirmwareState::downloaded:
      if (brought.stage != Stage::executed || part.is_deferred) return {};
      return "the child may be about to install " + image;
    case FirmwareState::idle:
      return {};
  }
  return {};
}

asio::awaitable<Result<Sight>> Inspection::settled(SteadyTime deadline) {
  Milliseconds between = kFirstPause;
  for (;;) {
    auto sight = co_await look(deadline);
    if (!sight) co_return sight.error();
    const auto moves = [this](const Part& part) { return !pending(part).empty(); };
    const auto moving = std::ranges::find_if(sight->parts, moves);
    if (moving == sight->parts.end()) co_return sight;
    const std::string why = pending(*moving);
    if (clock().now() + between + kSpare >= deadline) co_return Error{Errc::busy, why};
    if (moving->firmware.state == FirmwareState::downloading) {
      const auto withdrawn = co_await withdraw(moving->instance, deadline - kSpare);
      if (!withdrawn && withdrawn.error().code != Errc::busy) co_return withdrawn.error();
      if (withdrawn) continue;
    }
    const auto waited = co_await access_.contact().wait_until(clock().now() + between);
    if (!waited) co_return waited.error();
    between = std::min(2 * between, kLongestPause);
  }
}

asio::awaitable<Result<void>> Inspection::withdraw(ResourcePath instance, SteadyTime deadline) {
  ResourcePath path = instance;
  path.resource = firmware::kPackageUri;
  const SteadyTime end = std::min(deadline, clock().now() + kLettingGo);
  const auto written = co_await access_.write(path, Value(std::string()), deadline);
  // What a child answers to it was long unclear: its State tells.
  if (!written && (written.error().is_transient() || written.error().code == Errc::cancelled)) {
    co_return written.error();
  }
  for (Milliseconds between = kFirstPause;; between = std::min(2 * between, kLongestPause)) {
    const auto standing = co_await access_.standing(instance, deadline);
    if (!standing) co_return standing.error();
    if (standing->state == FirmwareState::idle) break;
    if (clock().now() >= end) {
      co_return Error{Errc::busy, "the child does not let go of an update: it stays in " + text_of(*standing)};
    }
    const auto waited = co_await access_.contact().wait_until(clock().now() + between);
    if (!waited) co_return waited.error();
  }
  Brought brought = brought_->of(static_cast<std::uint8_t>(*instance.instance));
  brought.stage = Stage::none;
  brought_->set(brought);
  co_return Result<void>{};
}

// ----------------------------------------------------------------------------------------------------- what is said

std::string Inspection::about() const {
  const auto& registration = access_.contact().registration();
  if (!registration) return {};
  std::string text = "LwM2M " + std::string(text_of(registration->version));
  const auto paths = instances();
  if (!paths) return text;
  const std::uint16_t object = paths->front().object;
  const ObjectVersion version = registration->objects.version_of(object).value_or(ObjectVersion{});
  return text + ", /" + std::to_string(object) + " " + text_of(version);
}

wire::Seen Inspection::seen(const Sight& sight) const {
  wire::Seen seen;
  const SteadyTime now = clock().now();
  for (const Part& part : sight.parts) {
    const std::string version = wire::bounded_text(part.version, wire::kMaxVersionText);
    wire::Slot runs{part.image, 0, version, part.active};
    runs.active = runs.confirmed = runs.bootable = true;
    seen.slots.push_back(runs);
    if (!part.standby.empty()) {
      wire::Slot holds{part.image, 1, {}, part.standby};
      holds.bootable = true;
      seen.slots.push_back(holds);
    }
    if (!part.is_deferred) continue;
    seen.busy = true;
    const auto left = std::chrono::ceil<Milliseconds>(part.deferred_until - now).count();
    seen.busy_ms = std::max(seen.busy_ms, static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0)));
  }
  seen.revert_class = profile_.takes_older ? wire::RevertClass::reinstall : wire::RevertClass::irrevocable;
  if (sight.installs_at_once) seen.revert_class = wire::RevertClass::unstageable;
  seen.evidence = profile_.evidence == Proves::result ? wire::Evidence::result : wire::Evidence::version;
  seen.bootloader = about();
  if (!sight.device) return seen;
  seen.battery_percent = sight.device->battery_percent;
  seen.power = sight.device->power;
  seen.identity = wire::bounded_text(sight.device->serial, wire::kMaxName);
  for (const std::string& error : sight.device->errors) {
    seen.bootloader.append(", reports: ").append(error);
    seen.busy = seen.busy || is_in_the_way(error);
  }
  seen.bootloader = wire::bounded_text(seen.bootloader);
  return seen;
}

}  // namespace hg::coap
