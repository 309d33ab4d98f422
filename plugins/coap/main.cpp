// SPDX-License-Identifier: Apache-2.0
// headgate-coap: the plugin for children that speak CoAP: LwM2M clients, and those that pull by a SUIT manifest.
#include <array>
#include <charconv>

#include "coap/coap_driver.hpp"

namespace {

using namespace hg;

constexpr std::array<plugin::OwnOption, 7> kOptions{{
    {"listen", "ADDRESS", "where children reach us; :: (the default) is everywhere, by IPv4 too"},
    {"port", "PORT", "without DTLS; 5683 by default, 0: not at all"},
    {"secure-port", "PORT", "with DTLS; 5684 by default, 0: not at all"},
    {"public", "HOST[:PORT]", "how children call us in the URIs that they pull from; else as they reach us"},
    {"certificate", "FILE", "PEM: our certificate, beside which children may show theirs"},
    {"key", "FILE", "PEM: its private key"},
    {"authorities", "FILE", "PEM: who signs the certificates of children"},
}};

Result<std::uint16_t> port_in(const plugin::Setup& setup, const std::string& name, std::uint16_t fallback) {
  const auto found = setup.options.find(name);
  if (found == setup.options.end()) return fallback;
  std::uint16_t port = 0;
  const std::string& text = found->second;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failure != std::errc{} || end != text.data() + text.size())
    return Error{Errc::invalid, "--" + name + ": '" + text + "' is no port"};
  return port;
}

std::string text_in(const plugin::Setup& setup, const std::string& name, std::string fallback = {}) {
  const auto found = setup.options.find(name);
  return found == setup.options.end() ? std::move(fallback) : found->second;
}

Result<coap::DriverSettings> settings_from(const plugin::Setup& setup) {
  if (!setup.record.empty()) return Error{Errc::unsupported, "--record: sessions on CoAP cannot be recorded"};
  coap::DriverSettings settings;
  const auto port = port_in(setup, "port", settings.server.port);
  if (!port) return port.error();
  const auto secure_port = port_in(setup, "secure-port", settings.server.secure_port);
  if (!secure_port) return secure_port.error();
  settings.server.port = *port;
  settings.server.secure_port = *secure_port;
  settings.server.listen = text_in(setup, "listen", settings.server.listen);
  settings.server.certificate = text_in(setup, "certificate");
  settings.server.key = text_in(setup, "key");
  settings.server.authorities = text_in(setup, "authorities");
  settings.public_address = text_in(setup, "public");
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const auto make = [](const plugin::Setup& setup) -> Result<std::unique_ptr<plugin::Driver>> {
    auto settings = settings_from(setup);
    if (!settings) return settings.error();
    auto driver = coap::CoapDriver::open(setup, std::move(*settings));
    if (!driver) return driver.error();
    return std::unique_ptr<plugin::Driver>(std::move(*driver));
  };
  const std::string software = std::string("headgate-coap ") + HEADGATE_VERSION;
  return plugin::run_program(argc, argv, {"coap", software, coap::kCapabilities}, make, kOptions);
}
