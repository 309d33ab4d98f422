// SPDX-License-Identifier: Apache-2.0
#include "app/trust_source.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>

#include "adapters/crypto/keys.hpp"
#include "adapters/crypto/public_keys.hpp"
#include "trust/record.hpp"

namespace hg::app {

namespace {

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t limit) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return from_errno(errno, "open");
  Bytes content(limit + 1);
  file.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(content.size()));
  if (file.bad()) return from_errno(errno, "read");
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > limit) return Error{Errc::too_large, "more than " + std::to_string(limit) + " bytes"};
  return content;
}

Result<trust::Key> read_author_key(const std::filesystem::path& path, crypto::Keys& known) {
  constexpr std::size_t kMaxPem = 16 * 1024;
  const Result<Bytes> pem = read_file(path, kMaxPem);
  if (!pem) return pem.error().within(path.string());
  const std::string text(pem->begin(), pem->end());
  trust::Key key;
  key.name = path.stem().string();
  key.roles = {trust::Role::author};
  if (const Result<void> added = known.add(key.name, text); !added) return added.error().within(path.string());
  Result<Bytes> cose_key = crypto::cose_key_from_pem(text);
  if (!cose_key) return cose_key.error().within(path.string());
  key.cose_key = std::move(*cose_key);
  return key;
}

std::vector<std::filesystem::path> pem_files(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
    if (entry.path().extension() == ".pem") files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace

service::TrustSource read_trust_source(const TrustConfig& config, ports::Journal& journal) {
  service::TrustSource source;
  if (!config.root.empty()) {
    source.root_name = config.root.string();
    source.root = read_file(config.root, trust::kMaxRecordBytes);
    return source;
  }
  crypto::Keys known;  // so that a key that stands there twice is named, and does not spoil the others
  for (const std::filesystem::path& path : pem_files(config.anchors)) {
    Result<trust::Key> key = read_author_key(path, known);
    if (key)
      source.author_keys.push_back(std::move(*key));
    else
      journal.write(ports::Level::error, {}, "trust anchor left out: " + key.error().message);
  }
  if (source.author_keys.empty())
    journal.write(ports::Level::warning, {},
                  "no trust anchor in " + config.anchors.string() + ": every deliverable will be refused");
  return source;
}

}  // namespace hg::app
