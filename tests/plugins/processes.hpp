// SPDX-License-Identifier: Apache-2.0
// Programs that a test runs: started with their standard output in a pipe, waited for by a line that they print, ended
// with the test. And an MCUboot image that an smp_child accepts.
#pragma once

#include <fcntl.h>
#include <openssl/sha.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/unique_fd.hpp"

namespace hg::test {

class Program {
 public:
  Program(std::string path, std::vector<std::string> arguments) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    arguments.insert(arguments.begin(), std::move(path));
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(ends[1], STDOUT_FILENO);
      ::execv(words[0], words.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = UniqueFd(ends[0]);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() { end(SIGKILL); }

  /// The next line of its output; an exception after 30 s, or when it ends.
  std::string line() {
    for (;;) {
      if (const auto end = text_.find('\n'); end != std::string::npos) {
        std::string found = text_.substr(0, end);
        text_.erase(0, end + 1);
        return found;
      }
      pollfd ready{output_.get(), POLLIN, 0};
      char block[512];
      const ssize_t size = ::poll(&ready, 1, 30000) == 1 ? ::read(output_.get(), block, sizeof block) : 0;
      if (size <= 0) throw std::runtime_error("the program says nothing");
      text_.append(block, static_cast<std::size_t>(size));
    }
  }

  void signal(int number) const { ::kill(pid_, number); }

  /// Sends a signal and waits for the end; the exit status as waitpid gives it.
  int end(int number) {
    if (pid_ <= 0) return 0;
    ::kill(pid_, number);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd output_;
  std::string text_;
};

/// A file as MCUboot wants it, unsigned: header, payload, SHA-256 TLV. `hash` is what a child lists for it.
struct McubootImage {
  Bytes file;
  Digest hash;
  Digest sha256;  // of the file

  McubootImage(std::size_t payload, std::uint8_t minor, std::uint8_t fill) {
    constexpr std::size_t kHeader = 512;
    file.resize(kHeader + payload);
    put32(0, 0x96f3b83d);
    file[8] = kHeader & 0xFFU;
    file[9] = kHeader >> 8U;
    put32(12, static_cast<std::uint32_t>(payload));
    file[20] = 1;
    file[21] = minor;
    for (std::size_t i = 0; i < payload; ++i) file[kHeader + i] = static_cast<std::uint8_t>(i * 31 + i / 251 + fill);
    hash = digest_of(file);
    const Bytes info = {0x07, 0x69, 40, 0, 0x10, 0, 32, 0};
    file.insert(file.end(), info.begin(), info.end());
    file.insert(file.end(), hash.bytes().begin(), hash.bytes().end());
    sha256 = digest_of(file);
  }

  /// A sealed memfd, as the daemon would hand it over.
  [[nodiscard]] UniqueFd descriptor() const {
    UniqueFd fd(::memfd_create("image", MFD_CLOEXEC));
    for (std::size_t done = 0; done < file.size();) {
      const ssize_t size = ::write(fd.get(), file.data() + done, file.size() - done);
      if (size <= 0) throw std::runtime_error("memfd");
      done += static_cast<std::size_t>(size);
    }
    return fd;
  }
  void write_to(const std::filesystem::path& path) const {
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  }

 private:
  void put32(std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) file[at + i] = static_cast<std::uint8_t>(value >> 8 * i);
  }
  static Digest digest_of(const Bytes& bytes) {
    Bytes digest(SHA256_DIGEST_LENGTH);
    SHA256(bytes.data(), bytes.size(), digest.data());
    return *Digest::from_bytes(digest);
  }
};

}  // namespace hg::test
