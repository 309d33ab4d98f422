// SPDX-License-Identifier: Apache-2.0
#include "sdk/driver.hpp"

namespace hg::plugin {
namespace asio = boost::asio;

void Driver::set_link_key(const std::string&, LinkKey) {}

asio::awaitable<Result<Willingness>> Driver::offer(Job, wire::Offer) {
  co_return Willingness{};
}

asio::awaitable<Result<Saved>> Driver::backup(Job) {
  co_return Error{Errc::unsupported, "this plugin does not back up"};
}

asio::awaitable<Result<void>> Driver::restore(Job, UniqueFd) {
  co_return Error{Errc::unsupported, "this plugin does not restore"};
}

asio::awaitable<Result<Bytes>> Driver::identify(Job, Bytes) {
  co_return Error{Errc::unsupported, "this plugin does not carry identifications"};
}

asio::awaitable<Result<void>> Driver::prove(Job, Bytes) {
  co_return Error{Errc::unsupported, "this plugin does not carry identifications"};
}

}  // namespace hg::plugin
