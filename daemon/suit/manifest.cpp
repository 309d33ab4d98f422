// SPDX-License-Identifier: Apache-2.0
#include "suit/manifest.hpp"

#include <algorithm>

#include "suit/bundle.hpp"
#include "suit/execution.hpp"
#include "suit/findings.hpp"
#include "suit/labels.hpp"
#include "suit/payloads.hpp"
#include "suit/text.hpp"

namespace hg::suit {
namespace {

std::vector<std::string> texts_of(const std::vector<ComponentId>& components) {
  std::vector<std::string> texts;
  for (const ComponentId& component : components) texts.push_back(component.text());
  std::ranges::sort(texts);
  return texts;
}

std::string product_of(const Members& members) {
  if (members.manifest_id) return members.manifest_id->text();
  std::string product;
  for (const std::string& text : texts_of(members.components)) product += (product.empty() ? "" : "+") + text;
  return product;
}

void describe(const Opened& root, Manifest& manifest) {
  const Members& members = root.members;
  manifest.sequence = members.sequence_number;
  manifest.digest = root.by.manifest_digest;
  manifest.signers = root.by.signers;
  manifest.mac_keys = root.by.mac_keys;
  manifest.components = texts_of(members.components);
  manifest.product = product_of(members);
  manifest.set_version = members.set_version;
  manifest.version = to_text(members.set_version);
}

/// Of all manifests that are here: a dependency without its install would bring nothing, unnoticed.
std::vector<std::string> absent_sections(const Bundle& bundle) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < bundle.size(); ++i) {
    const std::string whose = i == 0 ? "" : "dependency " + product_of(bundle[i].members) + ": ";
    for (const std::int64_t key : bundle[i].members.absent) names.push_back(whose + std::string(name_of_member(key)));
  }
  return names;
}

/// The root's texts first.
Result<void> read_texts(const Outcome& outcome, const Bundle& bundle, std::vector<Image>& images) {
  std::vector<std::size_t> manifests = {0};
  manifests.insert(manifests.end(), outcome.processed.begin(), outcome.processed.end());
  for (const std::size_t manifest : manifests) {
    const auto& text = bundle[manifest].members.text;
    if (!text) continue;
    if (auto read = read_versions(*text, images); !read) return read.error().within("text");
  }
  return {};
}

}  // namespace

Result<Manifest> open(ByteView envelope, const cose::KeyRing& ring, std::span<const ByteView> dependencies) {
  auto root = open_authentic(envelope, 0, 0, ring);
  if (!root) return root.error();
  Bundle bundle(std::move(*root), ring, dependencies);
  const auto outcome = run_symbolically(bundle);
  if (!outcome) return outcome.error();
  Manifest manifest;
  describe(bundle[0], manifest);
  manifest.priority = find_priority(*outcome);
  auto needed = find_dependencies(*outcome, bundle);
  if (!needed) return needed.error();
  manifest.dependencies = std::move(*needed);
  manifest.absent_sections = absent_sections(bundle);
  auto images = find_images(*outcome);
  if (!images) return images.error();
  Payloads payloads(bundle);
  if (auto referenced = payloads.check_referenced(*outcome); !referenced) return referenced.error();
  if (auto placed = payloads.place(*images); !placed) return placed.error();
  for (Found& found : *images) manifest.images.push_back(std::move(found.image));
  if (auto read = read_texts(*outcome, bundle, manifest.images); !read) return read.error();
  return manifest;
}

}  // namespace hg::suit
