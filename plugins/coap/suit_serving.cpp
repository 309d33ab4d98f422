// SPDX-License-Identifier: Apache-2.0
#include "coap/suit_serving.hpp"

#include <algorithm>
#include <utility>

#include "coap/manifest_uris.hpp"

namespace hg::coap {
namespace {

/// Without the port, and without the brackets of an IPv6 address.
std::string host_of(const std::string& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

}  // namespace

void SuitServing::keep(std::uint8_t number, plugin::ImageView image, std::uint64_t size, const Digest& digest) {
  auto course = std::make_shared<Course>();
  course->size = size;
  images_.insert_or_assign(number, Kept{std::move(image), size, digest, std::move(course), nullptr});
}

Result<void> SuitServing::offer(ImageShelf& shelf, const Recipient& recipient) {
  const auto paths = payload_paths();
  if (!paths) return paths.error().within("the child's manifest");
  for (auto& [number, kept] : images_) {
    if (number > paths->size())
      return Error{Errc::invalid, "the child's manifest names " + std::to_string(paths->size()) +
                                      " URIs, and there is a payload " + std::to_string(number)};
    const std::string& path = number == 0 ? recipient.manifest_path : (*paths)[number - 1U];
    kept.place = shelf.put(path, served(kept, recipient));
  }
  return {};
}

Result<std::vector<std::string>> SuitServing::payload_paths() const {
  const auto manifest = images_.find(0);
  if (manifest == images_.end()) return Error{Errc::unavailable, "it has not come since the plugin was started"};
  if (manifest->second.size > kMaxManifest) return Error{Errc::too_large, "more than 64 KiB"};
  Bytes bytes(manifest->second.size);
  if (const auto read = manifest->second.image.read(0, bytes); !read) return read.error();
  const auto uris = coap_uris_in(bytes);
  if (!uris) return uris.error();
  std::vector<std::string> paths;
  for (const std::string& uri : *uris) {
    auto path = path_of(uri);
    if (!path) return path.error().within(uri);
    paths.push_back(std::move(*path));
  }
  return paths;
}

Served SuitServing::served(Kept& kept, const Recipient& recipient) {
  Served served{.image = kept.image, .size = kept.size};
  const auto hash = kept.digest.bytes();
  std::copy_n(hash.begin(), std::min(hash.size(), served.etag.size()), served.etag.begin());
  served.block = recipient.block;
  served.identity = recipient.identity;
  if (recipient.identity.empty()) served.address = host_of(recipient.address);
  served.sent = [course = kept.course, clock = clock_, moved = moved_](std::uint64_t offset, std::uint32_t size) {
    course->reached = std::max(course->reached, offset + size);
    course->sent += size;
    course->last = clock->now();
    moved();
  };
  return served;
}

SuitServing::Course SuitServing::course(std::uint8_t number) const {
  const auto found = images_.find(number);
  return found == images_.end() ? Course{} : *found->second.course;
}

}  // namespace hg::coap
