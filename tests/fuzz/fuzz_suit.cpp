// SPDX-License-Identifier: Apache-2.0
// SUIT envelopes of any bytes, with an anchor that believes every signature: a hostile cloud reaches the first half of
// the reader, a hostile author all of it. Digests are not compared before the manifest is read, so that the fuzzer need
// not compute SHA-256.
#include "suit/authentication.hpp"
#include "suit/bundle.hpp"
#include "suit/envelope.hpp"
#include "suit/execution.hpp"
#include "suit/findings.hpp"
#include "suit/manifest.hpp"
#include "suit/members.hpp"
#include "suit/text.hpp"

namespace {

class CredulousAnchors : public hg::cose::KeyRing {
 public:
  [[nodiscard]] hg::Result<std::string> verify(std::int64_t, hg::ByteView, hg::ByteView, hg::ByteView) const override {
    return "anybody";
  }
  [[nodiscard]] hg::Result<std::string> verify_mac(std::int64_t, hg::ByteView, hg::ByteView,
                                                   hg::ByteView) const override {
    return "anybody";
  }
  [[nodiscard]] hg::Result<hg::Digest> digest(std::int64_t, hg::ByteView bytes) const override { return sha256(bytes); }
  /// The same for all: 32 zero bytes.
  [[nodiscard]] hg::Digest sha256(hg::ByteView) const override { return *hg::Digest::from_bytes(hg::Bytes(32)); }
};

void read_unauthenticated(const hg::suit::Envelope& envelope, const CredulousAnchors& anchors) {
  const auto members = hg::suit::read_members(envelope, anchors);
  if (!members) return;
  hg::suit::Bundle bundle({envelope, {}, *members, 0}, anchors, {});
  const auto outcome = hg::suit::run_symbolically(bundle);
  if (!outcome) return;
  const auto found = hg::suit::find_images(*outcome);
  if (!found || !members->text) return;
  std::vector<hg::suit::Image> images;
  for (const auto& each : *found) images.push_back(each.image);
  (void)hg::suit::read_versions(*members->text, images);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const hg::ByteView input(data, size);
  const CredulousAnchors anchors;
  (void)hg::suit::open(input, anchors);
  const auto envelope = hg::suit::Envelope::parse(input);
  if (!envelope) return 0;
  (void)hg::suit::authenticate(*envelope, anchors);
  read_unauthenticated(*envelope, anchors);
  return 0;
}
