// SPDX-License-Identifier: Apache-2.0
// A server program that a test starts, waits for by what it prints, and takes down by its pid. It dies with the test.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg::servers {

class Program {
 public:
  /// Runs `command` (absolute path first); stdout and stderr are read by wait_for().
  explicit Program(std::vector<std::string> command) {
    int output[2];
    int input[2];
    if (::pipe2(output, O_CLOEXEC) != 0 || ::pipe2(input, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(126);
      ::dup2(input[0], STDIN_FILENO);
      ::dup2(output[1], STDOUT_FILENO);
      ::dup2(output[1], STDERR_FILENO);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(output[1]);
    ::close(input[0]);
    output_.reset(output[0]);
    input_.reset(input[1]);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() { stop(SIGKILL); }

  /// The output up to and with the line that has `text` in it. Throws when it does not come within ten seconds.
  std::string wait_for(const std::string& text) {
    std::size_t at = 0;
    while ((at = seen_.find(text)) == std::string::npos || seen_.find('\n', at) == std::string::npos) {
      pollfd ready{output_.get(), POLLIN, 0};
      std::array<char, 4096> buffer{};
      const bool has_more = ::poll(&ready, 1, 10'000) > 0;
      const ssize_t size = has_more ? ::read(output_.get(), buffer.data(), buffer.size()) : 0;
      if (size <= 0) throw std::runtime_error("'" + text + "' did not come; the output was:\n" + seen_);
      seen_.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return seen_;
  }

  /// Ends it and waits for that.
  void stop(int signal = SIGTERM) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  UniqueFd output_;
  UniqueFd input_;
  std::string seen_;
};

/// A TCP port of loopback for this process alone: no other test is given it while this one runs (each is claimed by a
/// locked file, which tests/lib/processes.py claims, too), and no outgoing connection takes it (it lies below the range
/// of ip_local_port_range).
inline int free_port() {
  constexpr int kFirst = 20'000;
  constexpr int kLast = 32'000;
  static int next = kFirst + static_cast<int>(::getpid()) % (kLast - kFirst);
  for (int tried = kFirst; tried <= kLast; ++tried) {
    const int port = next;
    next = next == kLast ? kFirst : next + 1;
    const std::string path = "/tmp/headgate-test-port-" + std::to_string(port);
    UniqueFd claim(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!claim || ::flock(claim.get(), LOCK_EX | LOCK_NB) != 0) continue;
    const UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) continue;
    (void)claim.release();  // held until the process ends
    return port;
  }
  throw std::runtime_error("no free port");
}

/// The certificates that certificates.sh makes, once for a test program.
inline const std::filesystem::path& certificates() {
  static const fakes::TemporaryDirectory directory;
  static const bool is_made = [] {
    std::filesystem::permissions(directory.path(), std::filesystem::perms{0755});
    const std::string command =
        std::string(HEADGATE_SOURCE_DIR) + "/tests/adapters/servers/certificates.sh " + directory.path().string();
    if (std::system(command.c_str()) != 0) throw std::runtime_error("certificates.sh failed");
    return true;
  }();
  (void)is_made;
  return directory.path();
}

}  // namespace hg::servers
