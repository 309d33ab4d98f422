// SPDX-License-Identifier: Apache-2.0
// `headgate-pack root, head, permit, grant, enrollment`: makes trust records (docs/trust.md) and signs them. What is
// written is what trust's own readers accept. Called by main.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "adapters/crypto/uuid5.hpp"
#include "base/time.hpp"
#include "pack/encrypt.hpp"

namespace hg::pack {

/// Where a record goes, and who signs it first; `sign` adds more.
struct RecordOptions {
  std::vector<std::string> keys;
  std::filesystem::path output;
};

struct RootOptions : RecordOptions {
  std::filesystem::path recipe;
  std::optional<std::filesystem::path> successor_of;  ///< the root in force, whose version must be lower
};

Result<void> make_root(const RootOptions& options);

/// From a recipe, or from envelopes and the rest of the command line.
struct HeadOptions : RecordOptions {
  std::optional<std::filesystem::path> recipe;
  std::string channel;
  std::uint64_t version = 0;
  Instant expires{};
  std::vector<std::filesystem::path> envelopes;
};

Result<void> make_head(const HeadOptions& options);

struct PermitOptions : RecordOptions {
  std::string product;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::string child;  ///< empty: for a class
  std::optional<crypto::Uuid> class_id;
  Instant not_after{};
};

Result<void> make_permit(const PermitOptions& options);

struct GrantOptions : RecordOptions {
  std::filesystem::path info;     ///< SUIT_Encryption_Info whose content key somebody of us can unwrap
  std::string unwrap_key;         ///< private key, path or URI; or
  std::optional<KekFile> kek;     ///< a shared key
  std::filesystem::path gateway;  ///< its public key, PEM
  std::filesystem::path image;    ///< the ciphertext
  Instant not_after{};
};

Result<void> make_grant(const GrantOptions& options);

struct EnrollmentOptions : RecordOptions {
  std::filesystem::path recipe;
};

Result<void> make_enrollment(const EnrollmentOptions& options);

}  // namespace hg::pack
