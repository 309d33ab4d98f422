// SPDX-License-Identifier: Apache-2.0
#include "ctl/figures.hpp"

#include <iostream>
#include <map>

#include "ctl/snapshot.hpp"
#include "ctl/table.hpp"
#include "ctl/text.hpp"

namespace hg::ctl {
namespace json = boost::json;
namespace {

struct Held {
  std::uint64_t images = 0;
  std::uint64_t bytes = 0;
};

struct Holdings {
  Held plain;
  Held encrypted;
};

/// Each image once: several deliverables may have the same.
Holdings holdings_in(const Snapshot& snapshot) {
  std::map<std::string, const json::object*> images;
  for (const std::string& path : snapshot.paths(kDeliverable))
    for (const json::value& image : list_in(*snapshot.find(path, kDeliverable), "Images"))
      images[text_in(image.as_object(), "Digest")] = &image.as_object();
  Holdings all;
  for (const auto& [digest, image] : images) {
    Held& held = truth_in(*image, "Encrypted") ? all.encrypted : all.plain;
    ++held.images;
    held.bytes += number_in(*image, "Size");
  }
  return all;
}

std::string text_of(const Held& held) {
  return std::to_string(held.images) + (held.images == 1 ? " image, " : " images, ") + size_text(held.bytes);
}

struct Metric {
  const char* name;  ///< as --json has it
  const char* help;
};
constexpr Metric kMetrics[] = {
    {"signatures_verified", "Signatures verified by public key, those that did not hold included."},
    {"images_hashed", "Whole images read for a digest."},
    {"image_heads_hashed", "Images read up to where the bytes of one child begin."},
    {"content_keys_opened", "Content keys unwrapped with the key of this gateway."},
    {"keys_wrapped", "Content keys wrapped for a child."},
};

}  // namespace

Result<ExitCode> show_cache(Session session) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const json::object* manager = fetched.value().find(kManagerPath, kManager);
  if (manager == nullptr) return Error{Errc::unavailable, "headgated is not running"};
  const std::uint64_t used = number_in(*manager, "CacheUsed");
  const std::uint64_t limit = number_in(*manager, "CacheLimit");
  const auto [plain, encrypted] = holdings_in(fetched.value());
  if (session.json) {
    print_json(json::object{{"cache_used", used},
                            {"cache_limit", limit},
                            {"plain_images", plain.images},
                            {"plain_bytes", plain.bytes},
                            {"encrypted_images", encrypted.images},
                            {"encrypted_bytes", encrypted.bytes}});
    return ExitCode::ok;
  }
  Facts facts;
  facts.add("Cache", size_text(used) + " of " + size_text(limit));
  facts.add("Plain", text_of(plain));
  facts.add("Ciphertext", text_of(encrypted));
  facts.print(std::cout);
  return ExitCode::ok;
}

Result<ExitCode> show_metrics(Session session) {
  const auto answer = session.client.call(kManagerPath, kManager, "GetCounts");
  if (answer.has_error()) return answer.error();
  const json::object counts = Snapshot{}.show(answer.value().at(0).as_object());
  if (session.json) {
    print_json(counts);
    return ExitCode::ok;
  }
  for (const Metric& metric : kMetrics) {
    if (!counts.contains(metric.name)) continue;
    const std::string name = std::string{"headgate_"} + metric.name + "_total";
    std::cout << "# HELP " << name << ' ' << metric.help << "\n# TYPE " << name << " counter\n"
              << name << ' ' << number_in(counts, metric.name) << '\n';
  }
  return ExitCode::ok;
}

}  // namespace hg::ctl
