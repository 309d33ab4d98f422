// SPDX-License-Identifier: Apache-2.0
#include "flash.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace smp_child {

Slot::Slot(std::filesystem::path path, std::uint64_t size)
    : path_(std::move(path)),
      file_(Fd::checked(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644), path_)),
      size_(size) {}

std::uint64_t Slot::used() const {
  struct stat status {};
  check(::fstat(file_.get(), &status) == 0, path_);
  return static_cast<std::uint64_t>(status.st_size);
}

Bytes Slot::read(std::uint64_t offset, std::size_t count) const {
  Bytes bytes(count, 0xff);
  check(::pread(file_.get(), bytes.data(), count, static_cast<off_t>(offset)) >= 0, path_);
  return bytes;
}

void Slot::write(std::uint64_t offset, ByteView bytes) {
  const ssize_t written = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
  check(written == static_cast<ssize_t>(bytes.size()), path_);
}

void Slot::erase() {
  check(::ftruncate(file_.get(), 0) == 0, path_);
}

void Slot::prepare(ByteView bytes) const {
  write_atomically(aside(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void Slot::take_prepared() {
  if (!std::filesystem::exists(aside())) return;
  std::filesystem::rename(aside(), path_);
  file_ = Fd::checked(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644), path_);
}

}  // namespace smp_child
