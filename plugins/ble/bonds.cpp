// SPDX-License-Identifier: Apache-2.0
#include "ble/bonds.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>

#include "base/unique_fd.hpp"
#include "ble/address.hpp"
#include "wire/frames.hpp"

namespace hg::ble {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kHead = "headgate-bond 1\n";
constexpr std::string_view kEnding = ".bond";
constexpr std::size_t kLongestText = 512;

/// Takes "name value\n" off the front of `text`.
std::optional<std::string> take_line(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name) || text.substr(name.size(), 1) != " ") return std::nullopt;
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string value(text.substr(name.size() + 1, end - name.size() - 1));
  text.remove_prefix(end + 1);
  return value;
}

bool is_address(std::string_view text) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
    if (i % 3 == 2 ? c != ':' : !is_digit) return false;
  }
  return true;
}

std::optional<bool> truth(const std::optional<std::string>& word) {
  if (word == "yes") return true;
  if (word == "no") return false;
  return std::nullopt;
}

Result<void> write_all(const UniqueFd& file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(file.get(), text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return from_errno(errno, "write");
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  if (::fsync(file.get()) != 0) return from_errno(errno, "flush");
  return {};
}

}  // namespace

std::string text_of(const Bond& bond) {
  const auto word = [](bool is_so) { return is_so ? "yes" : "no"; };
  std::string text(kHead);
  text.append("adapter ").append(bond.adapter);
  text.append("\naddress ").append(bond.address);
  text.append("\npasskey ").append(word(bond.has_passkey));
  text.append("\nrefused-before ").append(word(bond.refused_before));
  text.append("\nenrolled ").append(bond.enrolled).append("\n");
  return text;
}

Result<Bond> bond_from(std::string_view text) {
  const Error error{Errc::invalid, "not what is remembered of a bond"};
  if (text.size() > kLongestText || !text.starts_with(kHead)) return error;
  text.remove_prefix(kHead.size());
  const auto adapter = take_line(text, "adapter");
  const auto address = take_line(text, "address");
  const auto passkey = truth(take_line(text, "passkey"));
  const auto refused = truth(take_line(text, "refused-before"));
  const auto enrolled = take_line(text, "enrolled");
  if (!adapter || !address || !passkey || !refused || !enrolled || !text.empty()) return error;
  if (!is_address(*adapter) || !is_address(*address)) return error;
  return Bond{*adapter, *address, *passkey, *refused, *enrolled};
}

bool is_still_of(const Bond& bond, std::string_view enrolled_as) {
  if (bond.enrolled == enrolled_as) return true;
  const auto before = ble_address_from(bond.enrolled);
  const auto now = ble_address_from(enrolled_as);
  return before && now && now->address == bond.address && now->adapter == before->adapter;
}

/// A child's name has no '/', and with the ending it is neither "." nor "..".
fs::path Bonds::file_of(const std::string& child) const {
  return directory_ / (child + std::string(kEnding));
}

std::optional<Bond> Bonds::load(const std::string& child) const {
  if (directory_.empty() || !wire::is_name(child)) return std::nullopt;
  std::ifstream file(file_of(child), std::ios::binary);
  std::array<char, kLongestText + 1> text{};
  file.read(text.data(), text.size());
  const auto bond = bond_from({text.data(), static_cast<std::size_t>(file.gcount())});
  return bond ? std::optional<Bond>(*bond) : std::nullopt;
}

Result<void> Bonds::save(const std::string& child, const Bond& bond) const {
  if (directory_.empty() || !wire::is_name(child)) return {};
  const fs::path path = file_of(child);
  const fs::path fresh = directory_ / (child + ".bond-new");
  const UniqueFd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return from_errno(errno, "remember the bond of " + child);
  if (auto written = write_all(file, text_of(bond)); !written) return written.error().within("remember a bond");
  if (::rename(fresh.c_str(), path.c_str()) != 0) return from_errno(errno, "remember the bond of " + child);
  const UniqueFd directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return from_errno(errno, "remember the bond of " + child);
  return {};
}

void Bonds::remove(const std::string& child) const {
  if (directory_.empty() || !wire::is_name(child)) return;
  std::error_code ignored;
  fs::remove(file_of(child), ignored);
}

std::vector<std::string> Bonds::children() const {
  std::vector<std::string> children;
  if (directory_.empty()) return children;
  std::error_code failure;
  for (fs::directory_iterator entry(directory_, failure), end; !failure && entry != end; entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (!name.ends_with(kEnding)) continue;
    const std::string child = name.substr(0, name.size() - kEnding.size());
    if (wire::is_name(child)) children.push_back(child);
  }
  return children;
}

}  // namespace hg::ble
