// SPDX-License-Identifier: Apache-2.0
// The ImageShelf: places by path, found for a puller without taking memory. libcoap_server owns it, tells it who asks
// and sends what image_answer makes of it.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "coap/exchange.hpp"
#include "coap/image_shelf.hpp"

namespace hg::coap {

/// Who asks for an image.
struct Puller {
  const Proof& proof;
  std::string_view host;  ///< address without port
};

class Shelf final : public ImageShelf {
 public:
  /// `arrived` is called when an image comes to a path.
  explicit Shelf(std::function<void(const std::string& path)> arrived);

  std::shared_ptr<void> put(std::string path, Served served) override;
  void expect_until(plugin::SteadyTime time) override { expected_until_ = time; }

  enum class Found : std::uint8_t {
    image,
    not_for_them,  ///< there is one, for others
    expected,      ///< not there, but it may still come
    nothing,
  };
  struct Place {
    Found found = Found::nothing;
    const Served* served = nullptr;
  };
  [[nodiscard]] Place find(std::string_view path, const Puller& who) const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Places = std::unordered_map<std::string, std::list<Served>, Hash, std::equal_to<>>;

  std::shared_ptr<Places> places_ = std::make_shared<Places>();
  std::function<void(const std::string& path)> arrived_;
  plugin::SteadyTime expected_until_{};
};

}  // namespace hg::coap
