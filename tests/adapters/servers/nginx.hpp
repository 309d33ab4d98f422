// SPDX-License-Identifier: Apache-2.0
// A real nginx with TLS and with files that a test puts there: on one port for everybody, on one for clients with a
// certificate, on one with TLS 1.1 only.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "adapters/servers/program.hpp"
#include "base/bytes.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg::servers {

class Nginx {
 public:
  Nginx() : port_(free_port()), strict_port_(free_port()), old_port_(free_port()) {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms{0755});
    std::filesystem::create_directory(directory_.path() / "www");
    std::ofstream conf(directory_.path() / "nginx.conf");
    // One process and no workers, which would outlive a master that is killed.
    conf << "daemon off; master_process off; pid nginx.pid; error_log stderr notice;\n"
         << "events { worker_connections 64; }\n"
         << "http { access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;\n"
         << "uwsgi_temp_path t4; scgi_temp_path t5; root www;\n"
         << server(port_, "")
         << server(strict_port_,
                   "ssl_verify_client on; ssl_client_certificate " + (certificates() / "ca.pem").string() + ";")
         << server(old_port_, "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;") << "}\n";
    conf.close();
    program_ = std::make_unique<Program>(std::vector<std::string>{
        "/usr/sbin/nginx", "-e", "stderr", "-p", directory_.path(), "-c", directory_.path() / "nginx.conf"});
    program_->wait_for("getrlimit");  // it listens by then
  }

  /// `path` begins with a slash. nginx makes the ETag of time and size: a new content within a second needs a new size.
  void put(const std::string& path, const Bytes& content) const {
    std::ofstream file(directory_.path() / ("www" + path), std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  }
  void remove(const std::string& path) const { std::filesystem::remove(directory_.path() / ("www" + path)); }

  [[nodiscard]] std::string url(const std::string& path) const { return at(port_, path); }
  [[nodiscard]] std::string strict_url(const std::string& path) const { return at(strict_port_, path); }
  [[nodiscard]] std::string old_url(const std::string& path) const { return at(old_port_, path); }

 private:
  static std::string at(int port, const std::string& path) {
    return "https://localhost:" + std::to_string(port) + path;
  }
  static std::string server(int port, const std::string& more) {
    return "server { listen 127.0.0.1:" + std::to_string(port) + " ssl; ssl_certificate " +
           (certificates() / "server.pem").string() + "; ssl_certificate_key " +
           (certificates() / "server.key").string() + ";\n" + more + "}\n";
  }

  fakes::TemporaryDirectory directory_;
  int port_;
  int strict_port_;
  int old_port_;
  std::unique_ptr<Program> program_;
};

}  // namespace hg::servers
