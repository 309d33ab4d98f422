// SPDX-License-Identifier: Apache-2.0
#include "smp/profile.hpp"

namespace hg::smp {
namespace {

constexpr std::int64_t kLongestMs = 10 * 60 * 1000;
constexpr std::int64_t kLargestPacket = 16 * 1024;
constexpr std::int64_t kSmallestPacket = 96;  // the first upload request with its digests

Result<void> read_ms(const wire::ProfileValues& values, const std::string& name, std::int64_t least,
                     Milliseconds& member) {
  const auto value = integer_in(values, name, member.count(), least, kLongestMs);
  if (!value) return value.error();
  member = Milliseconds{*value};
  return {};
}

}  // namespace

Result<std::int64_t> integer_in(const wire::ProfileValues& values, const std::string& name, std::int64_t fallback,
                                std::int64_t least, std::int64_t most) {
  const auto found = values.find(name);
  if (found == values.end()) return fallback;
  const auto* value = std::get_if<std::int64_t>(&found->second);
  if (value == nullptr || *value < least || *value > most) {
    return Error{Errc::invalid, "profile: " + name + " must be an integer from " + std::to_string(least) + " to " +
                                    std::to_string(most)};
  }
  return *value;
}

Result<Profile> profile_from(const wire::ProfileValues& values) {
  Profile profile;
  const auto packet = integer_in(values, "packet", 0, 0, kLargestPacket);
  if (!packet) return packet.error();
  if (*packet != 0 && *packet < kSmallestPacket) {
    return Error{Errc::invalid, "profile: packet must be 0 or at least " + std::to_string(kSmallestPacket)};
  }
  profile.packet = static_cast<std::size_t>(*packet);
  if (auto read = read_ms(values, "reset_delay_ms", 0, profile.reset_delay); !read) return read.error();
  if (auto read = read_ms(values, "erase_ms", 1, profile.erase); !read) return read.error();
  if (auto read = read_ms(values, "chunk_ms", 1, profile.chunk); !read) return read.error();
  if (auto read = read_ms(values, "last_ms", 1, profile.last); !read) return read.error();
  return profile;
}

}  // namespace hg::smp
