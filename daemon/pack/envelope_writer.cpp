// SPDX-License-Identifier: Apache-2.0
#include "pack/envelope_writer.hpp"

#include "adapters/crypto/hashes.hpp"
#include "pack/members.hpp"
#include "suit/labels.hpp"

namespace hg::pack {

namespace {

constexpr std::uint64_t kEnvelopeTag = 107;
constexpr std::int64_t kAuthentication = 2;
constexpr std::int64_t kManifest = 3;
constexpr std::int64_t kSha256 = -16;

// Commands (draft-ietf-suit-manifest-37 §8.4.7) and their reporting policies.
constexpr std::uint64_t kVendorMatches = 1, kClassMatches = 2, kImageMatches = 3, kUseBefore = 4, kSelect = 12,
                        kOverride = 20, kFetch = 21, kCopy = 22, kMinimumBattery = 26, kAuthorized = 27,
                        kVersionMatches = 28, kWait = 29;
constexpr std::uint64_t kReportAll = 15, kReportFailure = 2;

// Parameters.
constexpr std::int64_t kVendorId = 1, kClassId = 2, kImageDigest = 3, kUseBeforeDate = 4, kImageSize = 14,
                       kEncryptionInfo = 19, kUri = 21, kSourceComponent = 22, kBattery = 26, kPriority = 27,
                       kVersionRule = 28, kWaitInfo = 29;
constexpr std::int64_t kWaitForOther = 4, kWaitForTime = 5;

/// A command sequence: a flat list of codes and arguments.
class Sequence {
 public:
  Sequence& select(std::uint64_t component) { return add(kSelect, component); }
  Sequence& check(std::uint64_t condition) { return add(condition, kReportAll); }
  Sequence& direct(std::uint64_t directive) { return add(directive, kReportFailure); }

  Sequence& set(const Members& parameters) {
    writer_.uint(kOverride).encoded(parameters.encode());
    words_ += 2;
    return *this;
  }

  [[nodiscard]] Bytes encode() const {
    Bytes out;
    cbor::Writer(out).array(words_).encoded(commands_);
    return out;
  }

 private:
  Sequence& add(std::uint64_t code, std::uint64_t argument) {
    writer_.uint(code).uint(argument);
    words_ += 2;
    return *this;
  }

  Bytes commands_;
  cbor::Writer writer_{commands_};
  std::size_t words_ = 0;
};

Bytes encode(const suit::ComponentId& component) {
  Bytes out;
  cbor::Writer writer(out);
  writer.array(component.parts.size());
  for (const Bytes& part : component.parts) writer.bytes(part);
  return out;
}

Bytes encode(const suit::Version& version) {
  Bytes out;
  cbor::Writer writer(out);
  writer.array(version.size());
  for (const std::int64_t element : version) writer.integer(element);
  return out;
}

Bytes encode(const suit::VersionCondition& rule) {
  Bytes out;
  cbor::Writer(out).array(2).uint(static_cast<std::uint64_t>(rule.op)).encoded(encode(rule.version));
  return out;
}

Bytes encode_digest(const Digest& sha256) {
  Bytes out;
  cbor::Writer(out).array(2).integer(kSha256).bytes(sha256.bytes());
  return out;
}

/// Digests of manifest and severed members are taken over the byte string with its head.
Bytes member_digest(ByteView content) {
  Bytes with_head;
  cbor::Writer(with_head).bytes(content);
  return encode_digest(crypto::Sha256::of(with_head));
}

std::uint64_t seconds_of(Instant instant) {
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(instant.time_since_epoch()).count());
}

/// Wait event 4: [id, [+ [op, version]]] of one other target; one wait for each.
Members wait_for(const suit::TargetVersion& other) {
  Bytes event;
  cbor::Writer(event).array(2).bytes(as_bytes(other.target)).array(1).encoded(encode(other.versions.front()));
  Members events;
  events.set(kWaitForOther, std::move(event));
  return events;
}

void add_wait(Sequence& sequence, const Members& events) {
  Members parameters;
  parameters.set_bytes(kWaitInfo, events.encode());
  sequence.set(parameters).direct(kWait);
}

/// They stand in install, not in the shared sequence: a child that boots after `use_before` must not fail to.
void add_gates(Sequence& sequence, const Gates& gates) {
  Members parameters;
  if (gates.use_before) parameters.set_uint(kUseBeforeDate, seconds_of(*gates.use_before));
  if (gates.minimum_battery_mwh) parameters.set_uint(kBattery, *gates.minimum_battery_mwh);
  if (gates.priority) {
    Bytes priority;
    cbor::Writer(priority).integer(*gates.priority);
    parameters.set(kPriority, std::move(priority));
  }
  if (!parameters.empty()) sequence.set(parameters);
  if (gates.use_before) sequence.check(kUseBefore);
  if (gates.minimum_battery_mwh) sequence.check(kMinimumBattery);
  if (gates.needs_authorization) sequence.check(kAuthorized);
  for (const suit::VersionCondition& rule : gates.versions) {
    Members version;
    version.set_bytes(kVersionRule, encode(rule));
    sequence.set(version).check(kVersionMatches);
  }
  for (const suit::TargetVersion& other : gates.after) add_wait(sequence, wait_for(other));
  if (gates.not_before) add_wait(sequence, Members().set_uint(kWaitForTime, seconds_of(*gates.not_before)));
}

/// The targets come first among the components, in order; then the places for ciphertexts, in order.
class Components {
 public:
  explicit Components(const Release& release) : targets_(release.targets) {
    for (const ReleaseTarget& target : targets_) ids_.push_back(target.component);
    for (const ReleaseTarget& target : targets_)
      if (target.encryption) ids_.push_back(target.encryption->staging);
  }

  [[nodiscard]] const std::vector<suit::ComponentId>& ids() const { return ids_; }

  [[nodiscard]] std::uint64_t staging_of(std::size_t target) const {
    std::uint64_t index = targets_.size();
    for (std::size_t at = 0; at < target; ++at) index += targets_[at].encryption ? 1 : 0;
    return index;
  }

 private:
  const std::vector<ReleaseTarget>& targets_;
  std::vector<suit::ComponentId> ids_;
};

void add_identity(Sequence& sequence, std::uint64_t component, const ReleaseTarget& target, const Digest& digest,
                  std::uint64_t size) {
  Members parameters;
  parameters.set_bytes(kVendorId, target.vendor_id).set_bytes(kClassId, target.class_id);
  parameters.set_bytes(kImageDigest, encode_digest(digest)).set_uint(kImageSize, size);
  sequence.select(component).set(parameters).check(kVendorMatches).check(kClassMatches);
}

Bytes shared_sequence(const Release& release, const Components& components) {
  Sequence sequence;
  for (std::size_t at = 0; at < release.targets.size(); ++at) {
    const ReleaseTarget& target = release.targets[at];
    if (!target.encryption) {
      add_identity(sequence, at, target, target.digest, target.size);
      continue;
    }
    add_identity(sequence, at, target, target.encryption->plaintext, target.encryption->plaintext_size);
    add_identity(sequence, components.staging_of(at), target, target.digest, target.size);
  }
  return sequence.encode();
}

std::string uri_of(const ReleaseTarget& target) {
  return target.uri.empty() ? "#" + target.component.text() : target.uri;
}

void add_fetch(Sequence& sequence, const ReleaseTarget& target) {
  Members parameters;
  parameters.set_text(kUri, uri_of(target));
  sequence.set(parameters).direct(kFetch).check(kImageMatches);
}

void add_decryption(Sequence& sequence, const Encryption& encryption, std::uint64_t staging) {
  Members parameters;
  parameters.set_bytes(kEncryptionInfo, encryption.info).set_uint(kSourceComponent, staging);
  sequence.set(parameters).direct(kCopy).check(kImageMatches);
}

Bytes install_sequence(const Release& release, const Components& components) {
  Sequence sequence;
  for (std::size_t at = 0; at < release.targets.size(); ++at) {
    const ReleaseTarget& target = release.targets[at];
    sequence.select(at);
    add_gates(sequence, target.gates);
    if (target.encryption) sequence.select(components.staging_of(at));
    add_fetch(sequence, target);
    if (!target.encryption) continue;
    sequence.select(at);
    add_decryption(sequence, *target.encryption, components.staging_of(at));
  }
  return sequence.encode();
}

Bytes validate_sequence(const Release& release) {
  Sequence sequence;
  for (std::size_t at = 0; at < release.targets.size(); ++at) sequence.select(at).check(kImageMatches);
  return sequence.encode();
}

Bytes common_of(const Release& release) {
  const Components components(release);
  Bytes ids;
  cbor::Writer writer(ids);
  writer.array(components.ids().size());
  for (const suit::ComponentId& component : components.ids()) writer.encoded(encode(component));
  Members common;
  common.set(2, std::move(ids)).set_bytes(4, shared_sequence(release, components));
  return common.encode();
}

/// Empty if there is nothing to say.
Bytes text_of(const Release& release) {
  Members texts;
  if (!release.description.empty()) texts.set_text(2, release.description);
  for (const ReleaseTarget& target : release.targets)
    if (!target.version.empty())
      texts.set_encoded(encode(target.component), Members().set_text(6, target.version).encode());
  if (texts.empty()) return {};
  Bytes language;
  cbor::Writer(language).text("en");
  Members languages;
  languages.set_encoded(std::move(language), texts.encode());
  return languages.encode();
}

Bytes manifest_of(const Release& release, const Bytes& text) {
  Members manifest;
  manifest.set_uint(suit::label::kManifestVersion, 1).set_uint(suit::label::kSequenceNumber, release.sequence);
  manifest.set_bytes(suit::label::kCommon, common_of(release))
      .set(suit::label::kManifestComponentId, encode(release.product));
  manifest.set_bytes(suit::label::kSetVersion, encode(release.version));
  manifest.set_bytes(suit::label::kValidate, validate_sequence(release));
  manifest.set_bytes(suit::label::kInstall, install_sequence(release, Components(release)));
  if (!text.empty()) manifest.set(suit::label::kText, member_digest(text));
  return manifest.encode();
}

/// No signature yet: only the digest that signatures will be of.
Bytes wrapper_of(ByteView manifest) {
  Bytes wrapper;
  cbor::Writer(wrapper).array(1).bytes(member_digest(manifest));
  return wrapper;
}

}  // namespace

Bytes write_envelope(const Release& release) {
  const Bytes text = text_of(release);
  const Bytes manifest = manifest_of(release, text);
  Members envelope;
  envelope.set_bytes(kAuthentication, wrapper_of(manifest)).set_bytes(kManifest, manifest);
  if (!text.empty()) envelope.set_bytes(suit::label::kText, text);
  for (const ReleaseTarget& target : release.targets) {
    if (!target.uri.empty()) continue;
    Bytes name, payload;
    cbor::Writer(name).text(uri_of(target));
    cbor::Writer(payload).bytes(target.integrated);
    envelope.set_encoded(std::move(name), std::move(payload));
  }
  Bytes out;
  cbor::Writer(out).tag(kEnvelopeTag).encoded(envelope.encode());
  return out;
}

}  // namespace hg::pack
