// SPDX-License-Identifier: Apache-2.0
#include "smp/configuration_copy.hpp"

#include <algorithm>
#include <utility>

#include "smp/fs_group.hpp"
#include "smp/settings_group.hpp"

namespace hg::smp {
namespace asio = boost::asio;
namespace {

constexpr unsigned kMaxStuck = 5;        // answers in a row that ask for the same piece of a file again
constexpr unsigned kMaxWrites = 2;       // of one file
constexpr std::size_t kAroundData = 40;  // heads and keys of a file upload, without the name

SavedItem item_from(std::string name, Result<Bytes> content) {
  if (content) {
    Digest digest = sha256_of(*content);
    return {std::move(name), SavedState::saved, std::move(*content), digest};
  }
  // A child without the whole group has none of its keys or files.
  const Errc code = content.error().code;
  const bool is_absent = code == Errc::not_found || code == Errc::unsupported;
  return {std::move(name), is_absent ? SavedState::absent : SavedState::not_saved, {}, {}};
}

}  // namespace

asio::awaitable<bool> ConfigurationCopy::is_lost(Error error, SteadyTime deadline) {
  if (is_over(error) || clock_->now() >= deadline) co_return true;
  if (error.code != Errc::timed_out) co_return false;
  // An answer that no datagram takes never comes, whatever else the child answers (zephyr#107815).
  const auto listed = co_await inquiry_->list(inquiry_->patience(deadline));
  co_return !listed;
}

// ---------------------------------------------------------------------------------------------------------- reading

asio::awaitable<Result<Bytes>> ConfigurationCopy::read_setting(std::string name, SteadyTime deadline) {
  Bytes packet = setting_read_request(name, kLargestSetting);
  const auto body = co_await inquiry_->ask(kSettingRead, std::move(packet), inquiry_->patience(deadline));
  if (!body) co_return body.error();
  auto answer = setting_in(*body);
  if (!answer) co_return answer.error();
  // What is as long as the most that can come looks complete, and may be cut.
  const std::size_t limit = std::min(answer->limit.value_or(kLargestSetting), kLargestSetting);
  if (answer->value.size() >= limit) {
    co_return Error{Errc::too_large, "may be longer than the " + std::to_string(limit) + " bytes that the child tells"};
  }
  co_return std::move(answer->value);
}

asio::awaitable<Result<Bytes>> ConfigurationCopy::read_file(std::string name, SteadyTime deadline) {
  Bytes content;
  std::optional<std::uint64_t> size;
  while (!size || content.size() < *size) {
    Bytes packet = file_download_request(name, content.size());
    const auto body = co_await inquiry_->ask(kFileDownload, std::move(packet), inquiry_->patience(deadline));
    if (!body) co_return body.error();
    auto piece = file_piece_in(*body);
    if (!piece) co_return piece.error();
    if (!size) size = piece->size;
    if (!size) co_return Error{Errc::invalid, "the child does not say how long it is"};
    if (*size > kLargestSavedFile) co_return Error{Errc::too_large, "has " + std::to_string(*size) + " bytes"};
    if (piece->offset != content.size()) co_return Error{Errc::mismatch, "the child answers with another piece"};
    if (piece->data.size() > *size - content.size()) co_return Error{Errc::mismatch, "longer than the child said"};
    if (piece->data.empty() && content.size() < *size) co_return Error{Errc::io, "the child gives nothing more"};
    content.insert(content.end(), piece->data.begin(), piece->data.end());
  }
  co_return content;
}

asio::awaitable<Result<Digest>> ConfigurationCopy::hash_file(std::string name, SteadyTime deadline) {
  const auto body = co_await inquiry_->ask(kFileHash, file_hash_request(name), inquiry_->patience(deadline));
  if (!body && (is_silence(body.error()) || is_over(body.error()))) co_return body.error();
  if (body) {
    const auto hash = file_hash_in(*body);
    if (hash && *hash) co_return **hash;
  }
  const auto content = co_await read_file(name, deadline);  // hashes are an option of the child
  if (!content) co_return content.error();
  co_return sha256_of(*content);
}

asio::awaitable<void> ConfigurationCopy::close_file(SteadyTime deadline) {
  // Not known to older children, which close by themselves after a time.
  static_cast<void>(co_await inquiry_->ask(kFileClose, empty_request(), inquiry_->once(deadline)));
}

asio::awaitable<Result<plugin::Saved>> ConfigurationCopy::save(SteadyTime deadline) {
  Configuration configuration;
  for (const std::string& name : profile_->backup_settings) {
    auto value = co_await read_setting(name, deadline);
    if (!value) {
      const bool ends = co_await is_lost(value.error(), deadline);
      if (ends) co_return value.error().within("setting " + name);
    }
    configuration.settings.push_back(item_from(name, std::move(value)));
  }
  for (const std::string& name : profile_->backup_files) {
    auto content = co_await read_file(name, deadline);
    if (!content) {
      const bool ends = co_await is_lost(content.error(), deadline);
      if (ends) co_return content.error().within("file " + name);
    }
    configuration.files.push_back(item_from(name, std::move(content)));
  }
  if (!configuration.files.empty()) {
    co_await close_file(deadline);
  }
  const auto bytes = encode(configuration);
  if (!bytes) co_return bytes.error();
  auto file = sealed(*bytes);
  if (!file) co_return file.error();
  plugin::Saved saved{std::move(*file), describe(configuration)};
  co_return saved;
}

// -------------------------------------------------------------------------------------------------------- restoring

asio::awaitable<Result<bool>> ConfigurationCopy::restore_setting(SavedItem item, SteadyTime deadline) {
  const auto is_same = [&](const Result<Bytes>& value) { return value && sha256_of(*value) == item.sha256; };
  const auto before = co_await read_setting(item.name, deadline);
  if (is_same(before)) co_return false;
  Bytes packet = setting_write_request(item.name, item.content);
  const auto written = co_await inquiry_->ask(kSettingWrite, std::move(packet), inquiry_->patience(deadline));
  if (!written) co_return written.error();
  const auto after = co_await read_setting(item.name, deadline);
  if (!after) co_return after.error();
  if (!is_same(after)) co_return Error{Errc::mismatch, "written, but the child holds something else"};
  co_return true;
}

asio::awaitable<Result<void>> ConfigurationCopy::write_file(SavedItem item, SteadyTime deadline) {
  const std::size_t around = kHeaderSize + kAroundData + item.name.size();
  const std::size_t room = pace_->packet() > around ? pace_->packet() - around : 1;
  const ByteView content = item.content;
  std::uint64_t offset = 0;
  for (unsigned stuck = 0; stuck < kMaxStuck;) {
    const std::size_t size = std::min<std::size_t>(room, content.size() - offset);
    Bytes packet = file_upload_request(item.name, offset, content.subspan(offset, size), content.size());
    // A piece that arrived twice would be refused, and the next write begins anew: it is sent once.
    const auto body = co_await inquiry_->ask(kFileUpload, std::move(packet), inquiry_->once(deadline));
    if (!body) co_return body.error();
    const auto next = file_offset_in(*body);
    if (!next) co_return next.error();
    if (*next > content.size()) co_return Error{Errc::invalid, "the child asks for bytes beyond the end"};
    if (*next == content.size()) co_return Result<void>{};
    stuck = *next > offset ? 0 : stuck + 1;
    offset = *next;
  }
  co_return Error{Errc::io, "the child takes no bytes at offset " + std::to_string(offset)};
}

asio::awaitable<Result<bool>> ConfigurationCopy::restore_file(SavedItem item, SteadyTime deadline) {
  const auto before = co_await hash_file(item.name, deadline);
  if (before && *before == item.sha256) co_return false;
  Result<void> written{};
  for (unsigned tries = 0; tries < kMaxWrites; ++tries) {
    written = co_await write_file(item, deadline);
    if (written || is_over(written.error())) break;
  }
  co_await close_file(deadline);
  if (!written) co_return written.error();
  const auto after = co_await hash_file(item.name, deadline);
  if (!after) co_return after.error();
  if (*after != item.sha256) co_return Error{Errc::mismatch, "written, but the child holds something else"};
  co_return true;
}

asio::awaitable<Result<bool>> ConfigurationCopy::restore_all(std::vector<SavedItem> items, bool are_files,
                                                             std::string* failures, SteadyTime deadline) {
  const auto note = [&](const SavedItem& item, const std::string& why) {
    *failures += (failures->empty() ? "not restored: " : "; ") + item.name + " (" + why + ")";
  };
  bool is_changed = false;
  for (const SavedItem& item : items) {
    if (item.state == SavedState::not_saved) note(item, "it could not be saved");
    if (item.state != SavedState::saved) continue;  // what was absent is left alone
    auto restoring = are_files ? restore_file(item, deadline) : restore_setting(item, deadline);
    const auto restored = co_await std::move(restoring);
    if (!restored) {
      const bool ends = co_await is_lost(restored.error(), deadline);
      if (ends) co_return restored.error().within(item.name);
      note(item, restored.error().message);
    }
    is_changed = is_changed || (restored && *restored);
  }
  co_return is_changed;
}

asio::awaitable<Result<void>> ConfigurationCopy::restore(int saved, SteadyTime deadline) {
  const auto bytes = contents_of(saved);
  if (!bytes) co_return bytes.error();
  const auto configuration = decode_configuration(*bytes);
  if (!configuration) co_return configuration.error();
  std::string failures;
  const auto settings = co_await restore_all(configuration->settings, false, &failures, deadline);
  if (!settings) co_return settings.error();
  if (*settings) {
    const auto kept = co_await inquiry_->ask(kSettingsSave, empty_request(), inquiry_->patience(deadline));
    if (!kept) co_return kept.error().within("settings are restored, but only until the next reset");
  }
  if (!configuration->files.empty()) {
    const auto sized = co_await pace_->find(*session_, *clock_, false);
    if (!sized) co_return sized.error();
  }
  const auto files = co_await restore_all(configuration->files, true, &failures, deadline);
  if (!files) co_return files.error();
  if (failures.empty()) co_return Result<void>{};
  co_return Error{Errc::mismatch, std::move(failures)};
}

}  // namespace hg::smp
