// SPDX-License-Identifier: Apache-2.0
#include "pack/describe.hpp"

#include "base/time.hpp"
#include "cose/encrypted.hpp"
#include "pack/believing_ring.hpp"
#include "pack/blocks.hpp"
#include "suit/profile.hpp"

namespace hg::pack {

namespace {

namespace json = boost::json;

std::string algorithm_name(std::int64_t number, cose::Purpose purpose) {
  const auto algorithm = cose::find_algorithm(number, purpose);
  return algorithm ? std::string(algorithm->name) : std::to_string(number);
}

/// A kid is often text; else hexadecimal digits.
std::string key_id_text(ByteView key_id) {
  const auto is_printable = [](std::uint8_t byte) { return byte > 0x20 && byte < 0x7f; };
  if (!key_id.empty() && std::ranges::all_of(key_id, is_printable)) return {key_id.begin(), key_id.end()};
  return to_hex(key_id);
}

json::object describe(const suit::Conditions& conditions) {
  json::object object;
  const auto date = [](std::uint64_t seconds) { return to_text(Instant(std::chrono::seconds(seconds))); };
  if (conditions.use_before) object["use_before"] = date(*conditions.use_before);
  if (conditions.not_before) object["not_before"] = date(*conditions.not_before);
  if (conditions.minimum_battery_mwh) object["minimum_battery_mwh"] = *conditions.minimum_battery_mwh;
  if (conditions.needs_authorization) object["needs_authorization"] = true;
  json::array versions, after;
  for (const auto& version : conditions.versions) versions.emplace_back(suit::condition_text(version));
  for (const suit::TargetVersion& other : conditions.after)
    for (const auto& version : other.versions) after.emplace_back(other.target + " " + suit::condition_text(version));
  if (!versions.empty()) object["requires"] = std::move(versions);
  if (!after.empty()) object["after"] = std::move(after);
  return object;
}

json::object describe(const suit::Image& image) {
  json::object object{{"component", image.component.text()}};
  if (!image.version.empty()) object["version"] = image.version;
  if (image.vendor_id) object["vendor_id"] = hex_of_uuid(*image.vendor_id);
  if (image.class_id) object["class_id"] = hex_of_uuid(*image.class_id);
  if (image.device_id) object["device_id"] = hex_of_uuid(*image.device_id);
  if (image.slot) object["slot"] = *image.slot;
  if (image.digest) object["digest"] = image.digest->hex();
  if (image.size) object["size"] = *image.size;
  object["uri"] = image.uri;
  object["in_the_envelope"] = image.integrated.has_value();
  if (!image.encryption_info.empty()) object["encryption"] = describe_encryption(image.encryption_info);
  if (image.plaintext) object["plaintext_digest"] = image.plaintext->hex();
  if (json::object conditions = describe(image.conditions); !conditions.empty())
    object["conditions"] = std::move(conditions);
  return object;
}

json::object describe(const suit::Dependency& dependency) {
  return {{"component", dependency.id.text()},
          {"manifest_digest", dependency.digest.hex()},
          {"uri", dependency.uri},
          {"in_the_envelope", dependency.is_here}};
}

template <class T>
json::array describe_all(const std::vector<T>& all) {
  json::array array;
  for (const T& each : all) array.emplace_back(describe(each));
  return array;
}

json::array texts(const std::vector<std::string>& all) {
  json::array array;
  for (const std::string& each : all) array.emplace_back(each);
  return array;
}

void add(json::object& object, const suit::Manifest& manifest) {
  object["product"] = manifest.product;
  object["sequence"] = manifest.sequence;
  object["version"] = manifest.version;
  object["manifest_digest"] = manifest.digest.hex();
  if (manifest.priority) object["priority"] = *manifest.priority;
  object["images"] = describe_all(manifest.images);
  if (!manifest.dependencies.empty()) object["dependencies"] = describe_all(manifest.dependencies);
  if (!manifest.absent_sections.empty()) object["absent_sections"] = texts(manifest.absent_sections);
  if (const auto missing = suit::missing_payloads(manifest); !missing.empty())
    object["missing_payloads"] = texts(missing);
  if (const auto complete = suit::check_deliverable(manifest); !complete)
    object["gateways_would_not_publish_it"] = complete.error().message;
}

}  // namespace

json::object beginning(std::string_view kind) {
  return {{"kind", kind}, {"verified", false}};
}

std::string hex_of_uuid(ByteView uuid) {
  std::string text;
  for (std::size_t at = 0; at < uuid.size(); ++at) {
    if (at == 4 || at == 6 || at == 8 || at == 10) text += '-';
    text += to_hex(uuid.subspan(at, 1));
  }
  return text;
}

json::object describe_signature(std::int64_t algorithm, ByteView key_id, bool is_mac) {
  return {{"algorithm", algorithm_name(algorithm, is_mac ? cose::Purpose::mac : cose::Purpose::signature)},
          {"key_id", key_id_text(key_id)}};
}

json::object describe_encryption(ByteView info) {
  cbor::Reader reader(info);
  const Result<cose::Encrypted> message = cose::read_encrypted(reader);
  if (!message) return {{"cannot_be_read", message.error().message}};
  json::array recipients;
  for (const cose::Recipient& recipient : message->recipients) {
    const auto purpose = recipient.ephemeral ? cose::Purpose::key_agreement : cose::Purpose::key_wrap;
    recipients.emplace_back(json::object{{"algorithm", algorithm_name(recipient.algorithm, purpose)},
                                         {"key_id", key_id_text(recipient.key_id)}});
  }
  return {{"cipher", algorithm_name(message->algorithm, cose::Purpose::content)},
          {"recipients", std::move(recipients)}};
}

Result<json::object> describe_envelope(ByteView bytes) {
  std::vector<SeenSignature> seen;
  const Result<suit::Manifest> manifest = open_unverified(bytes, &seen);
  const Result<Wrapper> wrapper = read_wrapper(bytes);
  if (!wrapper) return wrapper.error();
  json::object object = beginning("SUIT envelope");
  json::array signatures;
  for (const SeenSignature& each : seen)
    signatures.emplace_back(describe_signature(each.algorithm, each.key_id, each.is_mac));
  object["signed"] = !wrapper->blocks.empty();
  object["signatures"] = std::move(signatures);
  if (manifest)
    add(object, *manifest);
  else
    object["gateways_would_refuse_it"] = manifest.error().message;
  return object;
}

Result<json::object> describe_encryption_info(ByteView bytes) {
  cbor::Reader reader(bytes);
  const Result<cose::Encrypted> message = cose::read_encrypted(reader);
  if (!message) return message.error();
  json::object object = beginning("encryption info");
  for (auto& [name, value] : describe_encryption(bytes)) object[name] = value;
  return object;
}

}  // namespace hg::pack
