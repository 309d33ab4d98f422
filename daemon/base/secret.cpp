// SPDX-License-Identifier: Apache-2.0
#include "base/secret.hpp"

#include <sys/mman.h>

#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

namespace hg {
namespace {

constexpr std::size_t kCell = 64;               // bytes; a key of each usual kind takes one
constexpr std::size_t kUsualRun = 64UL * 1024;  // bytes of pages that are taken from the system together

/// Pages that follow each other, cut into cells of which some are taken.
class Run {
 public:
  /// Throws std::bad_alloc.
  explicit Run(std::size_t size) : size_(size), is_taken_(size / kCell) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    memory_ = static_cast<std::uint8_t*>(memory);
    static_cast<void>(::madvise(memory, size, MADV_DONTDUMP));
    lock();
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() { ::munmap(memory_, size_); }

  /// Tries it again, if it failed.
  bool lock() {
    // Not mlock(): a program under AddressSanitizer has one that does nothing.
    if (!is_locked_) is_locked_ = ::mlock2(memory_, size_, 0) == 0;
    return is_locked_;
  }
  [[nodiscard]] bool is_locked() const { return is_locked_; }
  [[nodiscard]] std::size_t taken() const { return static_cast<std::size_t>(std::ranges::count(is_taken_, true)); }
  [[nodiscard]] bool has(const void* pointer) const {
    return std::greater_equal<>{}(pointer, memory_) && std::less<>{}(pointer, memory_ + size_);
  }

  /// The first cells in a row that are free; null: there are not as many.
  std::uint8_t* take(std::size_t cells) {
    const auto found = std::search_n(is_taken_.begin(), is_taken_.end(), static_cast<std::ptrdiff_t>(cells), false);
    if (found == is_taken_.end()) return nullptr;
    std::fill_n(found, cells, true);
    return memory_ + static_cast<std::size_t>(found - is_taken_.begin()) * kCell;
  }
  void give_back(const std::uint8_t* data, std::size_t cells) {
    std::fill_n(is_taken_.begin() + (data - memory_) / static_cast<std::ptrdiff_t>(kCell), cells, false);
  }

 private:
  std::uint8_t* memory_ = nullptr;
  std::size_t size_;
  bool is_locked_ = false;
  std::vector<bool> is_taken_;
};

/// All runs of the process. Kept until it ends: what a process needed once it needs again.
class Pages {
 public:
  std::uint8_t* take(std::size_t size) {
    const std::size_t cells = (size + kCell - 1) / kCell;
    const std::lock_guard guard(mutex_);
    for (const auto& run : runs_) {
      if (auto* data = run->take(cells)) return data;
    }
    return add_run(cells).take(cells);
  }

  void give_back(std::uint8_t* data, std::size_t size) {
    wipe({data, size});
    const std::lock_guard guard(mutex_);
    for (const auto& run : runs_) {
      if (run->has(data)) return run->give_back(data, (size + kCell - 1) / kCell);
    }
  }

  bool lock() {
    const std::lock_guard guard(mutex_);
    if (runs_.empty()) add_run(1);
    must_lock_ = std::ranges::all_of(runs_, [](const auto& run) { return run->lock(); });
    return must_lock_;
  }

  bool is_locked(const void* pointer) {
    const std::lock_guard guard(mutex_);
    return std::ranges::any_of(runs_, [&](const auto& run) { return run->is_locked() && run->has(pointer); });
  }

  std::size_t in_use() {
    const std::lock_guard guard(mutex_);
    std::size_t cells = 0;
    for (const auto& run : runs_) cells += run->taken();
    return cells * kCell;
  }

 private:
  Run& add_run(std::size_t cells) {
    const std::size_t runs = (cells * kCell + kUsualRun - 1) / kUsualRun;
    auto run = std::make_unique<Run>(runs * kUsualRun);
    if (must_lock_ && !run->is_locked()) throw std::bad_alloc();
    return *runs_.emplace_back(std::move(run));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Run>> runs_;
  bool must_lock_ = false;
};

/// One for the process, as its heap is, and as what RLIMIT_MEMLOCK counts. Never destroyed: secrets of other objects
/// that last as long as the process may go later.
Pages& pages() {
  static auto* const pages = new Pages;  // NOLINT(cppcoreguidelines-owning-memory)
  return *pages;
}

}  // namespace

std::uint8_t* Secret::allocate(std::size_t size) {
  return size == 0 ? nullptr : pages().take(size);
}

void Secret::wipe_and_free(std::uint8_t* data, std::size_t size) noexcept {
  if (data != nullptr) pages().give_back(data, size);
}

Result<void> lock_secrets() {
  if (pages().lock()) return {};
  return Error{Errc::denied, "memory for keys cannot be locked: " + std::to_string(kUsualRun / 1024) +
                                 " KiB are needed; raise LimitMEMLOCK= of the service (RLIMIT_MEMLOCK)"};
}

bool is_locked_secret(const void* pointer) {
  return pages().is_locked(pointer);
}

std::size_t bytes_of_secrets() {
  return pages().in_use();
}

}  // namespace hg
