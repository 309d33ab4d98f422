// SPDX-License-Identifier: Apache-2.0
// Looks into sealed images on a thread of its own, since a large one takes a second. Knows MCUboot images; whatever
// does not begin like one is reported without facts. Made by app, called by ingest.
#pragma once

#include <boost/asio/thread_pool.hpp>

#include "ports/inspector.hpp"

namespace hg::inspection {

class ImageInspector final : public ports::Inspector {
 public:
  ImageInspector() = default;
  ~ImageInspector() override { thread_.join(); }

  [[nodiscard]] boost::asio::awaitable<Result<ports::ImageFacts>> inspect(UniqueFd image, std::uint64_t size) override;

 private:
  boost::asio::thread_pool thread_{1};
};

}  // namespace hg::inspection
