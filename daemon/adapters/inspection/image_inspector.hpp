// SPDX-License-Identifier: Apache-2.0
// Looks into sealed images on a thread of its own, since a large one takes a second. Knows MCUboot images; whatever
// does not begin like one is reported without facts. Each MCUboot image is hashed once, which is counted: of
// ciphertext, too, since nothing else tells it from the plain payload of imgtool --clear. Made by app, called by
// ingest.
#pragma once

#include <boost/asio/thread_pool.hpp>

#include "ports/counters.hpp"
#include "ports/inspector.hpp"

namespace hg::inspection {

class ImageInspector final : public ports::Inspector {
 public:
  /// `counters` outlive this.
  explicit ImageInspector(ports::Counters& counters) : counters_(counters) {}
  ~ImageInspector() override { thread_.join(); }

  [[nodiscard]] boost::asio::awaitable<Result<ports::ImageFacts>> inspect(UniqueFd image, std::uint64_t size) override;

 private:
  ports::Counters& counters_;
  boost::asio::thread_pool thread_{1};
};

}  // namespace hg::inspection
