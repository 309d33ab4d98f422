// SPDX-License-Identifier: Apache-2.0
// The file group (smp.md 7) with files below DIR/fs: download, upload, status, hash, types, close. Used by the server.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "exchange.hpp"
#include "options.hpp"
#include "record.hpp"

namespace smp_child {

class FsGroup : public Group {
 public:
  FsGroup(const Options& options, Record& record);

  Status handle(Exchange& exchange) override;

 private:
  Status on_file(Exchange& exchange, const std::filesystem::path& file);
  Status download(Exchange& exchange, const std::filesystem::path& file) const;
  Status upload(Exchange& exchange, const std::filesystem::path& file) const;
  static Status hash(Exchange& exchange, const std::filesystem::path& file);
  [[nodiscard]] std::optional<std::filesystem::path> place(std::string_view name) const;

  const Options& options_;
  Record& record_;
  std::filesystem::path root_;
};

}  // namespace smp_child
