// SPDX-License-Identifier: Apache-2.0
#include "suit/members.hpp"

#include <algorithm>
#include <string>

#include "suit/labels.hpp"
#include "suit/limits.hpp"

namespace hg::suit {
namespace {

constexpr std::uint64_t kVersionOfFormat = 1;
constexpr std::int64_t kDependencies = 1;  // keys of the common block, §8.4.5
constexpr std::int64_t kComponents = 2;
constexpr std::int64_t kSharedSequence = 4;
constexpr std::int64_t kDependencyPrefix = 1;  // key of a dependency's metadata

/// Reads one manifest after its envelope was authenticated.
class MembersReader {
 public:
  MembersReader(const Envelope& envelope, const cose::KeyRing& ring) : envelope_(envelope), ring_(ring) {}

  Result<Members> read();

 private:
  Result<void> read_member(std::int64_t key, cbor::Reader& reader);
  Result<void> read_format_version(cbor::Reader& reader);
  Result<void> read_sequence_number(cbor::Reader& reader);
  Result<void> read_common(cbor::Reader& reader);
  Result<void> read_common_member(std::int64_t key, std::size_t offset, cbor::Reader& reader);
  Result<void> read_dependencies(cbor::Reader& reader);
  Result<ComponentId> read_prefix(cbor::Reader& reader);
  Result<void> read_components(cbor::Reader& reader);
  Result<void> read_reference_uri(cbor::Reader& reader);
  Result<void> read_set_version(cbor::Reader& reader);
  Result<void> read_element_member(std::int64_t key, cbor::Reader& reader);
  Result<void> keep(std::int64_t key, const Element& element, std::size_t offset);
  [[nodiscard]] Result<void> check_complete() const;

  const Envelope& envelope_;
  const cose::KeyRing& ring_;
  Members members_;
  bool has_format_version_ = false;
  bool has_sequence_number_ = false;
  std::size_t severed_used_ = 0;
  std::size_t dependencies_offset_ = 0;
  std::size_t absent_offset_ = 0;  // of the first
};

Result<Members> MembersReader::read() {
  cbor::Reader reader = envelope_.manifest.content;
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error();
  for (;;) {
    const auto key = keys->next_integer();
    if (!key) return key.error();
    if (!key->has_value()) break;
    if (auto read = read_member(**key, reader); !read) return read.error();
  }
  if (auto finished = reader.finish(); !finished) return finished.error();
  if (auto complete = check_complete(); !complete) return complete.error();
  return std::move(members_);
}

Result<void> MembersReader::read_member(std::int64_t key, cbor::Reader& reader) {
  switch (key) {
    case label::kManifestVersion:
      return read_format_version(reader);
    case label::kSequenceNumber:
      return read_sequence_number(reader);
    case label::kCommon:
      return read_common(reader);
    case label::kReferenceUri:
      return read_reference_uri(reader);
    case label::kSetVersion:
      return read_set_version(reader);
    case label::kManifestComponentId: {
      auto id = read_component_id(reader);
      if (!id) return id.error().within("manifest component id");
      members_.manifest_id = std::move(*id);
      return {};
    }
    default:
      break;
  }
  if (is_sequence(key) || is_severable(key)) return read_element_member(key, reader);
  return reader.error(Errc::unsupported, "manifest key " + std::to_string(key));
}

Result<void> MembersReader::read_format_version(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto version = reader.read_uint();
  if (!version) return version.error().within("manifest version");
  if (*version != kVersionOfFormat) {
    return cbor::Reader::error_at(offset, Errc::unsupported, "manifest version " + std::to_string(*version));
  }
  has_format_version_ = true;
  return {};
}

Result<void> MembersReader::read_sequence_number(cbor::Reader& reader) {
  const auto number = reader.read_uint();
  if (!number) return number.error().within("sequence number");
  members_.sequence_number = *number;
  has_sequence_number_ = true;
  return {};
}

Result<void> MembersReader::read_common(cbor::Reader& reader) {
  auto content = reader.read_wrapped();
  if (!content) return content.error().within("common");
  cbor::Reader& inside = *content;
  auto keys = cbor::MapKeys::enter(inside);
  if (!keys) return keys.error().within("common");
  for (;;) {
    const std::size_t offset = inside.offset();
    const auto key = keys->next_integer();
    if (!key) return key.error().within("common");
    if (!key->has_value()) break;
    if (auto read = read_common_member(**key, offset, inside); !read) return read.error().within("common");
  }
  if (auto finished = inside.finish(); !finished) return finished.error().within("common");
  return {};
}

Result<void> MembersReader::read_common_member(std::int64_t key, std::size_t offset, cbor::Reader& reader) {
  if (key == kDependencies) return read_dependencies(reader);
  if (key == kComponents) return read_components(reader);
  if (key != kSharedSequence) {
    return cbor::Reader::error_at(offset, Errc::unsupported, "common key " + std::to_string(key));
  }
  const auto sequence = reader.read_wrapped();
  if (!sequence) return sequence.error().within("shared sequence");
  members_.shared_sequence = *sequence;
  return {};
}

/// {+ index => metadata}. The indices go on after those of the components, as in all published examples; the prefix
/// is the only name that such a dependency has.
Result<void> MembersReader::read_dependencies(cbor::Reader& reader) {
  dependencies_offset_ = reader.offset();
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error().within("dependencies");
  if (keys->count() == 0 || keys->count() > kMaxDependencies) {
    return cbor::Reader::error_at(dependencies_offset_, Errc::invalid, std::to_string(keys->count()) + " dependencies");
  }
  for (;;) {
    const std::size_t offset = reader.offset();
    const auto key = keys->next_integer();
    if (!key) return key.error().within("dependencies");
    if (!key->has_value()) return {};
    if (**key < 0) return cbor::Reader::error_at(offset, Errc::invalid, "dependency " + std::to_string(**key));
    auto prefix = read_prefix(reader);
    if (!prefix) return prefix.error().within("dependency " + std::to_string(**key));
    members_.dependencies.push_back({static_cast<std::uint64_t>(**key), std::move(*prefix)});
  }
}

Result<ComponentId> MembersReader::read_prefix(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error();
  const auto key = keys->next_integer();
  if (!key) return key.error();
  if (!key->has_value()) return cbor::Reader::error_at(offset, Errc::unsupported, "without a prefix it has no name");
  if (**key != kDependencyPrefix || keys->count() != 1) {
    return cbor::Reader::error_at(offset, Errc::unsupported, "metadata other than a prefix");
  }
  return read_component_id(reader);
}

Result<void> MembersReader::read_components(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto count = reader.enter_array();
  if (!count) return count.error().within("components");
  if (*count == 0 || *count > kMaxComponents) {
    return cbor::Reader::error_at(offset, Errc::invalid, std::to_string(*count) + " components");
  }
  for (std::size_t i = 0; i < *count; ++i) {
    const std::size_t id_offset = reader.offset();
    auto id = read_component_id(reader);
    if (!id) return id.error();
    if (std::ranges::find(members_.components, *id) != members_.components.end()) {
      return cbor::Reader::error_at(id_offset, Errc::invalid, "component " + id->text() + " twice");
    }
    members_.components.push_back(std::move(*id));
  }
  return {};
}

Result<void> MembersReader::read_reference_uri(cbor::Reader& reader) {
  const auto uri = reader.read_text();
  if (!uri) return uri.error().within("reference uri");
  if (uri->size() > kMaxUriBytes) return reader.error(Errc::too_large, "reference uri");
  return {};
}

Result<void> MembersReader::read_set_version(cbor::Reader& reader) {
  auto content = reader.read_wrapped();  // the CDDL wraps it, whatever the prose says
  if (!content) return content.error().within("set version");
  auto version = read_version(*content);
  if (!version) return version.error().within("set version");
  if (auto finished = content->finish(); !finished) return finished.error().within("set version");
  members_.set_version = std::move(*version);
  return {};
}

/// A command sequence, text or CoSWID: inside the manifest, or a digest of what was severed (§8.5).
Result<void> MembersReader::read_element_member(std::int64_t key, cbor::Reader& reader) {
  const std::string name(name_of_member(key));
  const std::size_t offset = reader.offset();
  const auto outside = envelope_.severed.find(key);
  const bool is_outside = outside != envelope_.severed.end();
  if (!is_severable(key) || !reader.next_is(cbor::Type::array)) {
    const auto element = read_element(reader);
    if (!element) return element.error().within(name);
    if (is_outside) return cbor::Reader::error_at(offset, Errc::invalid, name + " both in the manifest and severed");
    return keep(key, *element, offset);
  }
  const auto digest = read_digest(reader);
  if (!digest) return digest.error().within(name);
  if (!is_outside) {
    if (is_sequence(key) && members_.absent.empty()) absent_offset_ = offset;
    if (is_sequence(key)) members_.absent.push_back(key);
    return {};
  }
  if (auto matches = check_digest(ring_, outside->second.encoded, *digest); !matches) {
    return matches.error().within("severed " + name);
  }
  ++severed_used_;
  return keep(key, outside->second, offset);
}

Result<void> MembersReader::keep(std::int64_t key, const Element& element, std::size_t offset) {
  if (is_sequence(key)) members_.sequences.emplace(key, element);
  if (key != label::kText) return {};
  if (element.encoded.size() > kMaxTextBytes) return cbor::Reader::error_at(offset, Errc::too_large, "text");
  members_.text = element;
  return {};
}

Result<void> MembersReader::check_complete() const {
  if (!has_format_version_) return Error{Errc::invalid, "no manifest version"};
  if (!has_sequence_number_) return Error{Errc::invalid, "no sequence number"};
  if (members_.components.empty()) return Error{Errc::invalid, "no components"};
  if (!members_.absent.empty() && !members_.sequences.contains(label::kInvoke)) {
    return cbor::Reader::error_at(absent_offset_, Errc::not_found,
                                  std::string(name_of_member(members_.absent.front())) +
                                      " is severed and absent, and the manifest invokes nothing without it");
  }
  for (const DependencyEntry& dependency : members_.dependencies) {
    if (dependency.index >= members_.components.size()) continue;
    return cbor::Reader::error_at(dependencies_offset_, Errc::unsupported,
                                  "dependency " + std::to_string(dependency.index) + " has the index of a component");
  }
  if (severed_used_ != envelope_.severed.size()) {
    return Error{Errc::unauthenticated, "a severed member in the envelope without its digest in the manifest"};
  }
  return {};
}

}  // namespace

Result<Members> read_members(const Envelope& envelope, const cose::KeyRing& ring) {
  return MembersReader(envelope, ring).read();
}

}  // namespace hg::suit
