// SPDX-License-Identifier: Apache-2.0
// Serves one file as "image" through the plugin's CoAP server, plain and by DTLS-PSK ("child", "0123456789abcdef"), for
// bench_coap_block.py. Prints "ready" when it listens.
#include <fcntl.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>

#include "coap/server.hpp"

namespace {

using namespace hg;

class Nobody : public coap::Inlet {
 public:
  coap::Outgoing receive(const std::shared_ptr<coap::Peer>&, const coap::Incoming&) override {
    return {.code = coap::Code::changed};
  }
  void heard(const std::shared_ptr<coap::Peer>&) override {}
  void lost(const std::shared_ptr<coap::Peer>&, std::string) override {}
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  boost::asio::io_context io(1);
  Nobody inlet;
  coap::ServerSettings settings{.listen = "127.0.0.1"};
  settings.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  settings.secure_port = static_cast<std::uint16_t>(std::atoi(argv[3]));
  settings.limits.handshakes = 2000;
  settings.limits.requests_per_second = settings.limits.burst = 1'000'000;
  auto server = coap::Server::open(io.get_executor(), settings, inlet, [](std::string_view line) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  });
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  (*server)->set_key("child", {plugin::LinkKeyKind::psk, "child", Secret(as_bytes("0123456789abcdef")), {}});
  UniqueFd file(::open(argv[1], O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return 1;
  const auto place = (*server)->shelf().put(
      "image", {.image = plugin::ImageView(std::move(file)), .size = static_cast<std::uint64_t>(status.st_size)});
  std::puts("ready");
  std::fflush(stdout);
  io.run();
  return 0;
}
