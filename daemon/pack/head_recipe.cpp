// SPDX-License-Identifier: Apache-2.0
// make_head(): what is current in a channel, from a TOML recipe or from the envelopes themselves. The envelopes are
// read without asking who signed them: a head says which manifest is current, and gateways verify that one by itself.
#include <algorithm>

#include "pack/believing_ring.hpp"
#include "pack/dates.hpp"
#include "pack/files.hpp"
#include "pack/toml_table.hpp"
#include "pack/write_record.hpp"
#include "trust/statements.hpp"

namespace hg::pack {

namespace {

Result<trust::HeadEntry> read_entry(const std::filesystem::path& path) {
  const Result<Bytes> envelope = read_file(path);
  if (!envelope) return envelope.error();
  const Result<suit::Manifest> manifest = open_unverified(*envelope, nullptr);
  if (!manifest) return manifest.error().within(path.string());
  return trust::HeadEntry{manifest->product, manifest->sequence, manifest->digest, 0};
}

trust::HeadEntry read_entry(Table& table) {
  trust::HeadEntry entry;
  if (table.has("file")) {
    entry = table.value_of("file", read_entry(table.required_file("file")));
  } else {
    entry.product = table.required_text("product");
    entry.sequence = table.required_number("sequence");
    const auto digest = Digest::from_text(table.required_text("manifest"));
    if (!digest) table.complain("manifest", "must be the 64 hexadecimal digits of a SHA-256");
    entry.manifest = digest.value_or(Digest());
  }
  entry.minimum = table.number("minimum").value_or(0);
  return entry;
}

Result<trust::Head> read_recipe(const std::filesystem::path& path) {
  Result<Table> top = Table::read(path);
  if (!top) return top.error();
  trust::Head head;
  head.channel = top->required_text("channel");
  head.version = top->required_number("version");
  head.issued = top->date("issued").value_or(now());
  if (!top->has("expires")) top->complain("expires", "is missing");
  head.expires = top->date("expires").value_or(Instant{});
  for (Table& table : top->tables("entry")) head.entries.push_back(read_entry(table));
  if (const Result<void> done = top->finish(); !done) return done.error();
  return head;
}

Result<trust::Head> head_of(const HeadOptions& options) {
  if (options.recipe) return read_recipe(*options.recipe);
  trust::Head head{options.channel, options.version, now(), options.expires, {}};
  for (const auto& path : options.envelopes) {
    Result<trust::HeadEntry> entry = read_entry(path);
    if (!entry) return entry.error();
    head.entries.push_back(std::move(*entry));
  }
  return head;
}

}  // namespace

Result<void> make_head(const HeadOptions& options) {
  Result<trust::Head> head = head_of(options);
  if (!head) return head.error();
  const Bytes payload = trust::write_head(*head);
  if (const auto read = trust::read_head(payload); !read) return read.error().within("head");
  return write_record(trust::RecordKind::head, payload, options);
}

}  // namespace hg::pack
