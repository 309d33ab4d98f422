// SPDX-License-Identifier: Apache-2.0
// Trust records of any bytes, before an authority whose ring believes a signature that is the signer's public key (the
// drafts of test_trust), so that the fuzzer can sign. What a payload's reader takes must be written as it stood, and
// what the authority takes must be what it asked for: a root or list that is newer, a grant for this gateway,
// nothing that expired.
#include <algorithm>
#include <cstdlib>

#include "core/trust_draft.hpp"
#include "trust/authority.hpp"

namespace {

using namespace hg::trust;  // NOLINT(google-build-using-namespace): its words are the target's
using hg::ByteView;

void must(bool holds) {
  if (!holds) std::abort();
}

template <class Read, class Write>
void must_be_written_as_read(ByteView payload, Read read, Write write) {
  const auto value = read(payload);
  if (value) must(std::ranges::equal(write(*value), payload));
}

void try_payloads(ByteView payload) {
  must_be_written_as_read(payload, read_root, write_root);
  must_be_written_as_read(payload, read_head, write_head);
  must_be_written_as_read(payload, read_permit, write_permit);
  must_be_written_as_read(payload, read_grant, write_grant);
  must_be_written_as_read(payload, read_enrollment_list, write_enrollment_list);
}

void try_statements(const Authority& authority, const Record& record, const TrustedTime& now) {
  const Head known = draft::good_head();
  const auto head = authority.open_head(record, now, &known);
  if (head) must(head->channel != known.channel || head->version >= known.version);
  const auto permit = authority.open_permit(record, now);
  if (permit) must(now.is_known && permit->not_after >= now.at && permit->to < permit->from);
  const auto grant = authority.open_grant(record, now, draft::kGateway);
  if (grant) must(now.is_known && grant->not_after >= now.at && grant->gateway == draft::kGateway);
  const ListVersions taken{{"site-7", 4}};
  const auto list = authority.open_enrollment(record, now, &draft::kGateway, taken);
  if (list) {
    must(!list->gateway || *list->gateway == draft::kGateway);
    must(!list->not_after || (now.is_known && *list->not_after >= now.at));
    must(list->name != "site-7" || list->version > 4);
  }
  must(int{head.has_value()} + int{permit.has_value()} + int{grant.has_value()} + int{list.has_value()} <= 1);
}

void try_release(const Authority& authority, const Record& record, const TrustedTime& now) {
  const auto signers = record.signers(authority.ring());
  if (!signers) return;
  const std::string product(record.payload.begin(), record.payload.end());
  const std::vector<std::string> components = {product, "acme/boiler"};
  const bool may = authority.may_release(*signers, product, components, now).has_value();
  must(!may || !signers->empty());
}

void try_record(ByteView input) {
  static const auto authority = draft::authority_of(draft::good_root()).value();
  const auto record = Record::parse(input);
  if (!record) return;
  try_payloads(record->payload);
  for (const TrustedTime& now : {draft::kToday, draft::kClockIn1970}) {
    try_statements(*authority, *record, now);
    try_release(*authority, *record, now);
    const auto next = authority->successor(input, draft::FakeMaker{}, now);
    if (next) must((*next)->root().version > authority->root().version);
  }
  const auto first = Authority::from_first_root(input, draft::FakeMaker{});
  if (first) try_statements(**first, *record, draft::kToday);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  try_payloads(input);
  try_record(input);
  return 0;
}
