// SPDX-License-Identifier: Apache-2.0
#include "sim/service/cloud.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "core/suit_draft.hpp"

namespace hg::sim {

namespace {

using namespace suit::draft;

constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kVersionBytes = 16;
constexpr std::size_t kImageBytes = 20'000;

Bytes bytes_of(const core::Image& image) {
  Bytes bytes(image.running_digest.bytes().begin(), image.running_digest.bytes().end());
  bytes.insert(bytes.end(), image.version.begin(), image.version.end());
  bytes.resize(kImageBytes, 0);
  return bytes;
}

/// The names of the components in an envelope are distinct: a role stands before those that are not.
std::string component_of(const core::Deliverable& deliverable, const core::Image& image,
                         const std::vector<core::Layout>& layouts) {
  if (std::ranges::count(deliverable.images, image.component, &core::Image::component) == 1) return image.component;
  const auto layout = std::ranges::find(layouts, deliverable.product, &core::Layout::name);
  if (layout == layouts.end()) return image.component;
  const auto role = std::ranges::find(layout->roles, image.device_class, &core::Role::device_class);
  return role->name + "/" + image.component;
}

/// The path of byte strings.
Bytes path_of(std::string_view text) {
  Items parts;
  for (;;) {
    const std::size_t end = text.find('/');
    parts.push_back(string(as_bytes(text.substr(0, end))));
    if (end == std::string_view::npos) return array(parts);
    text.remove_prefix(end + 1);
  }
}

Bytes envelope_of(const core::Deliverable& deliverable, const std::vector<core::Layout>& layouts) {
  Draft made;
  made.blocks = {Draft::block("ok", {{4, string(as_bytes("anna"))}})};
  made.manifest[2] = number(static_cast<std::int64_t>(deliverable.sequence));
  made.manifest[5] = path_of(deliverable.product);
  made.components.clear();
  made.install.clear();
  Items shared;
  for (std::size_t i = 0; i < deliverable.images.size(); ++i) {
    const core::Image& image = deliverable.images[i];
    const std::string component = component_of(deliverable, image, layouts);
    const Bytes bytes = bytes_of(image);
    made.components.push_back(path_of(component));
    const Items choose{number(12), number(static_cast<std::int64_t>(i)), number(20)};
    shared.insert(shared.end(), choose.begin(), choose.end());
    const Items parameters{map({{1, string(image.vendor)},
                                {2, string(image.device_class)},
                                {3, string(digest_of(bytes))},
                                {14, number(static_cast<std::int64_t>(bytes.size()))}}),
                           number(1), kPolicy, number(2), kPolicy};
    shared.insert(shared.end(), parameters.begin(), parameters.end());
    const std::string url = url_of(deliverable.id) + "/" + component;
    const Items install{map({{21, text(url)}}), number(21), kPolicy, number(3), kPolicy};
    made.install.insert(made.install.end(), choose.begin(), choose.end());
    made.install.insert(made.install.end(), install.begin(), install.end());
  }
  made.common[4] = commands(shared);
  return made.bytes();
}

}  // namespace

std::string url_of(const core::DeliverableId& name) {
  return "https://cloud.example/" + name;
}

void publish(fakes::MemoryWeb& web, const core::Deliverable& deliverable, const std::vector<core::Layout>& layouts) {
  web.put(url_of(deliverable.id), envelope_of(deliverable, layouts));
  for (const core::Image& image : deliverable.images)
    web.put(url_of(deliverable.id) + "/" + component_of(deliverable, image, layouts), bytes_of(image));
}

Digest running_digest_of(ByteView image) {
  if (image.size() != kImageBytes) return {};
  return Digest::from_bytes(image.first(kDigestBytes)).value_or(Digest{});
}

Result<Bytes> read_blob(const UniqueFd& blob) {
  struct stat about {};
  if (::fstat(blob.get(), &about) != 0) return from_errno(errno, "fstat");
  Bytes bytes(static_cast<std::size_t>(about.st_size));
  if (::pread(blob.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return from_errno(errno, "pread");
  return bytes;
}

boost::asio::awaitable<Result<ports::ImageFacts>> ImageInspector::inspect(UniqueFd image, std::uint64_t) {
  const Result<Bytes> bytes = read_blob(image);
  if (!bytes) co_return bytes.error();
  const Digest running = running_digest_of(*bytes);
  if (running.empty()) co_return Error{Errc::invalid, "no image of this fleet"};
  const auto* text = reinterpret_cast<const char*>(bytes->data() + kDigestBytes);
  co_return ports::ImageFacts{std::string(text, ::strnlen(text, kVersionBytes)), running, true};
}

}  // namespace hg::sim
