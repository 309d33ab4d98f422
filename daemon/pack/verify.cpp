// SPDX-License-Identifier: Apache-2.0
#include "pack/verify.hpp"

#include <iostream>

#include "pack/dates.hpp"
#include "pack/files.hpp"
#include "pack/record_payload.hpp"
#include "pack/words.hpp"
#include "suit/profile.hpp"
#include "trust/authority.hpp"

namespace hg::pack {

namespace {

using trust::Authority;
using trust::Record;
using trust::RecordKind;

/// Whom this run believes: the keys of the command line, or a root file.
struct Believed {
  std::unique_ptr<cose::KeyRing> keys;
  std::unique_ptr<Authority> authority;

  [[nodiscard]] const cose::KeyRing& ring() const { return authority ? authority->ring() : *keys; }
};

/// As for a gateway that has seen nothing but its root.
trust::TrustedTime trusted_now(const Authority& authority) {
  return trust::TrustedTime::from(now(), authority.root().issued, {});
}

Result<Believed> make_believed(const VerifyOptions& options) {
  Believed believed;
  if (!options.root) {
    auto ring = make_ring(options.ring);
    if (!ring) return ring.error();
    believed.keys = std::move(*ring);
    return believed;
  }
  const Result<Bytes> root = read_file(*options.root);
  if (!root) return root.error();
  auto authority = Authority::from_first_root(*root, crypto::RingMaker());
  if (!authority) return authority.error().within(options.root->string());
  believed.authority = std::move(*authority);
  return believed;
}

Result<std::vector<Bytes>> read_files(const std::vector<std::filesystem::path>& paths) {
  std::vector<Bytes> contents;
  for (const auto& path : paths) {
    Result<Bytes> content = read_file(path);
    if (!content) return content.error();
    contents.push_back(std::move(*content));
  }
  return contents;
}

Result<void> verify_envelope(ByteView envelope, const VerifyOptions& options, const Believed& believed) {
  const Result<std::vector<Bytes>> files = read_files(options.dependencies);
  if (!files) return files.error();
  const std::vector<ByteView> dependencies(files->begin(), files->end());
  const Result<suit::Manifest> manifest = suit::open(envelope, believed.ring(), dependencies);
  if (!manifest) return manifest.error();
  if (believed.authority) {
    const Result<void> may = believed.authority->may_release(
        manifest->signers, manifest->product, suit::target_components(*manifest), trusted_now(*believed.authority));
    if (!may) return may.error();
  }
  const Result<void> complete = suit::check_deliverable(*manifest);
  if (!complete && options.complete) return complete.error();
  const std::vector<std::string> missing = suit::missing_payloads(*manifest);
  for (const std::string& payload : missing) warn("the payload " + payload + " is not in the file");
  if (!complete && missing.empty()) warn("no gateway would publish it: " + complete.error().message);
  std::vector<std::string> signers = manifest->signers;
  signers.insert(signers.end(), manifest->mac_keys.begin(), manifest->mac_keys.end());
  std::cout << clean(manifest->product + " sequence " + std::to_string(manifest->sequence) + ": signed by " +
                     joined(signers))
            << '\n';
  return {};
}

/// The root in force is as good as its successor.
Result<void> judge_root(ByteView bytes, const Authority& authority) {
  const auto next = authority.successor(bytes, crypto::RingMaker(), trusted_now(authority));
  if (next || next.error().code == Errc::exists) return {};
  return next.error();
}

/// Whether the record says what its kind says, and its signers may say it.
Result<void> judge(const Record& record, ByteView bytes, const Authority& authority) {
  const auto forget = [](const auto& result) { return result ? Result<void>() : Result<void>(result.error()); };
  switch (record.kind) {
    case RecordKind::root:
      return judge_root(bytes, authority);
    case RecordKind::head:
      return forget(authority.open_head(record, trusted_now(authority), nullptr));
    case RecordKind::permit:
      return forget(authority.open_permit(record, trusted_now(authority)));
    case RecordKind::grant: {
      const Result<trust::Grant> grant = trust::read_grant(record.payload);
      if (!grant) return grant.error();
      return forget(authority.open_grant(record, trusted_now(authority), grant->gateway));
    }
    case RecordKind::enrollment: {
      const Result<trust::EnrollmentList> list = trust::read_enrollment_list(record.payload);
      if (!list) return list.error();
      const Digest* const gateway = list->gateway ? &*list->gateway : nullptr;
      return forget(authority.open_enrollment(record, trusted_now(authority), gateway, {}));
    }
  }
  return Error{Errc::internal, "a kind of record that nobody judges"};
}

Result<void> verify_record(ByteView bytes, const Believed& believed) {
  const Result<Record> record = Record::parse(bytes);
  if (!record) return record.error();
  const Result<std::vector<std::string>> signers = record->signers(believed.ring());
  if (!signers) return signers.error();
  if (believed.authority) {
    if (const Result<void> may = judge(*record, bytes, *believed.authority); !may) return may.error();
  } else if (signers->empty()) {
    return Error{Errc::unauthenticated, "none of the given keys signed the " + std::string(name_of(record->kind))};
  } else if (const Result<void> read = check_payload(*record); !read) {
    return read.error();
  }
  std::cout << clean(std::string(name_of(record->kind)) + ": signed by " + joined(*signers)) << '\n';
  return {};
}

}  // namespace

Result<void> verify(const VerifyOptions& options) {
  const Result<Bytes> content = read_file(options.file);
  if (!content) return content.error();
  const Result<Believed> believed = make_believed(options);
  if (!believed) return believed.error();
  const Result<void> verdict = trust::looks_like_record(*content) ? verify_record(*content, *believed)
                                                                  : verify_envelope(*content, options, *believed);
  return verdict ? verdict : verdict.error().within(options.file.string());
}

}  // namespace hg::pack
