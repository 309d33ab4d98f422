// SPDX-License-Identifier: Apache-2.0
// The settings group (smp.md 7): values in RAM, as the application has them, and saved ones, which a reset brings
// back. The saved ones are lines `NAME=HEX` in the state directory. Used by the server.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "exchange.hpp"
#include "options.hpp"
#include "record.hpp"

namespace smp_child {

class SettingsGroup : public Group {
 public:
  SettingsGroup(const Options& options, Record& record);

  Status handle(Exchange& exchange) override;
  void restart() override { values_ = saved_; }

  /// What group 63 does to the storage partition.
  void erase_saved();

 private:
  using Values = std::map<std::string, Bytes, std::less<>>;

  Status named(Exchange& exchange, std::string_view name);
  Status read(Exchange& exchange, std::string_view name) const;
  Status write(Exchange& exchange, std::string_view name);
  Status load_or_save(Exchange& exchange);
  [[nodiscard]] bool has_root(std::string_view name) const;
  void save() const;

  const ServerOptions& options_;
  Record& record_;
  std::filesystem::path path_;
  Values values_, saved_;
};

}  // namespace smp_child
