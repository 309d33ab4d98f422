// SPDX-License-Identifier: Apache-2.0
#include "adapters/storage/directory_blobs.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/thread_pool.hpp>
#include <cerrno>
#include <string>
#include <utility>

#include "adapters/crypto/hashes.hpp"
#include "adapters/on_pool.hpp"

namespace hg::storage {
namespace {

constexpr std::size_t kSha256Size = 32;
constexpr mode_t kDirectoryMode = 0750;
constexpr mode_t kIncomingMode = 0600;
constexpr mode_t kSealedMode = 0440;

Result<UniqueFd> open_directory(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), kDirectoryMode) != 0 && errno != EEXIST) return from_errno(errno, "make " + name);
  UniqueFd directory(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!directory) return from_errno(errno, "open " + name);
  return directory;
}

/// Calls `take` with the name of each entry but "." and "..".
template <class Take>
Result<void> for_each_entry(int directory, Take take) {
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return from_errno(errno, "open directory");
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(copy), ::closedir);
  if (!listing) {
    ::close(copy);
    return from_errno(errno, "list directory");
  }
  errno = 0;
  while (const dirent* const entry = ::readdir(listing.get())) {
    const std::string name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") take(name);
    errno = 0;
  }
  if (errno != 0) return from_errno(errno, "list directory");
  return {};
}

bool is_blob_name(const std::string& name) {
  const auto digest = Digest::from_text(name);
  return digest && digest->bytes().size() == kSha256Size && digest->hex() == name;
}

/// from_errno() with a limit on the size of files (RLIMIT_FSIZE, FAT) as what it means here.
Error write_error(int errno_value, std::string_view doing) {
  Error error = from_errno(errno_value, doing);
  if (errno_value == EFBIG) error.code = Errc::no_space;
  return error;
}

}  // namespace

struct DirectoryBlobs::Store {
  UniqueFd incoming;
  UniqueFd sealed;
  std::uint64_t limit = 0;
  ports::Counters* counters = nullptr;
  std::uint64_t used = 0;      // bytes of sealed images
  std::uint64_t reserved = 0;  // signed sizes of the intakes under way
  std::uint64_t last_name = 0;
  boost::asio::thread_pool thread{1};

  Result<void> empty_incoming();
  Result<void> add_up();
  [[nodiscard]] bool has(const Digest& digest) const;
};

Result<void> DirectoryBlobs::Store::empty_incoming() {
  const auto remove = [this](const std::string& name) { ::unlinkat(incoming.get(), name.c_str(), 0); };
  return for_each_entry(incoming.get(), remove);
}

Result<void> DirectoryBlobs::Store::add_up() {
  const auto add = [this](const std::string& name) {
    struct stat there {};
    if (!is_blob_name(name) || ::fstatat(sealed.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (S_ISREG(there.st_mode)) used += static_cast<std::uint64_t>(there.st_size);
  };
  return for_each_entry(sealed.get(), add);
}

bool DirectoryBlobs::Store::has(const Digest& digest) const {
  struct stat there {};
  if (digest.bytes().size() != kSha256Size) return false;
  return ::fstatat(sealed.get(), digest.hex().c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(there.st_mode);
}

/// One file in incoming, until it is linked to its digest. The store stays as long as there are intakes.
class DirectoryBlobs::FileIntake final : public ports::Intake {
 public:
  FileIntake(std::shared_ptr<Store> store, const Digest& digest, std::uint64_t size, std::string name, UniqueFd file)
      : store_(std::move(store)), digest_(digest), size_(size), name_(std::move(name)), file_(std::move(file)) {
    store_->reserved += size_;
  }
  FileIntake(const FileIntake&) = delete;
  FileIntake& operator=(const FileIntake&) = delete;
  ~FileIntake() override {
    store_->reserved -= size_;
    ::unlinkat(store_->incoming.get(), name_.c_str(), 0);
  }

  [[nodiscard]] Result<void> append(ByteView bytes) override;
  [[nodiscard]] std::uint64_t received() const override { return received_; }
  [[nodiscard]] int descriptor() const override { return file_.get(); }
  [[nodiscard]] boost::asio::awaitable<Result<void>> seal() override;

 private:
  [[nodiscard]] Result<void> check();
  /// On the pool thread. False: another intake was there first with the same bytes.
  [[nodiscard]] Result<bool> keep() const;

  std::shared_ptr<Store> store_;
  Digest digest_;
  std::uint64_t size_;
  std::string name_;
  UniqueFd file_;
  crypto::Sha256 hash_;
  std::uint64_t received_ = 0;
  bool is_sealed_ = false;  // or was tried to be
};

Result<void> DirectoryBlobs::FileIntake::append(ByteView bytes) {
  if (is_sealed_) return Error{Errc::internal, "append to an intake that was sealed"};
  if (bytes.size() > size_ - received_) {
    return Error{Errc::too_large,
                 "image " + digest_.hex() + ": more than the signed " + std::to_string(size_) + " bytes"};
  }
  ByteView rest = bytes;
  while (!rest.empty()) {
    const ssize_t written =
        ::pwrite(file_.get(), rest.data(), rest.size(), static_cast<off_t>(received_ + (bytes.size() - rest.size())));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      // received() stays where it was: the piece may be appended again once there is room.
      return write_error(written < 0 ? errno : EIO, "image " + digest_.hex() + ": write");
    }
    rest = rest.subspan(static_cast<std::size_t>(written));
  }
  hash_.update(bytes);
  received_ += bytes.size();
  return {};
}

Result<void> DirectoryBlobs::FileIntake::check() {
  if (std::exchange(is_sealed_, true)) return Error{Errc::internal, "image " + digest_.hex() + ": sealed already"};
  if (received_ != size_) {
    return Error{Errc::mismatch, "image " + digest_.hex() + ": " + std::to_string(received_) + " bytes, but " +
                                     std::to_string(size_) + " were signed"};
  }
  const Digest found = hash_.finish();
  if (!equal_in_constant_time(found.bytes(), digest_.bytes())) {
    return Error{Errc::mismatch, "image " + digest_.hex() + ": its SHA-256 is " + found.hex()};
  }
  return {};
}

Result<bool> DirectoryBlobs::FileIntake::keep() const {
  const std::string doing = "image " + digest_.hex() + ": ";
  if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) return write_error(errno, doing + "truncate");
  if (::fchmod(file_.get(), kSealedMode) != 0) return from_errno(errno, doing + "make read-only");
  if (::fsync(file_.get()) != 0) return write_error(errno, doing + "fsync");
  // link() and not rename(): one that is there is never replaced under those who read it.
  const int linked = ::linkat(store_->incoming.get(), name_.c_str(), store_->sealed.get(), digest_.hex().c_str(), 0);
  const bool is_new = linked == 0;
  if (!is_new && errno != EEXIST) return write_error(errno, doing + "link");
  ::unlinkat(store_->incoming.get(), name_.c_str(), 0);
  if (::fsync(store_->sealed.get()) != 0) return write_error(errno, doing + "fsync directory");
  return is_new;
}

boost::asio::awaitable<Result<void>> DirectoryBlobs::FileIntake::seal() {
  if (auto checked = check(); !checked) co_return checked.error();
  if (store_->counters != nullptr) ++store_->counters->images_hashed;
  auto work = [this] { return keep(); };
  const auto kept = co_await adapters::on_pool(store_->thread, std::move(work));
  if (!kept) co_return kept.error();
  if (*kept) store_->used += size_;
  co_return Result<void>{};
}

DirectoryBlobs::DirectoryBlobs(std::shared_ptr<Store> store) : store_(std::move(store)) {}

DirectoryBlobs::~DirectoryBlobs() {
  store_->thread.join();
}

Result<std::unique_ptr<DirectoryBlobs>> DirectoryBlobs::open(const std::filesystem::path& cache_directory,
                                                             std::uint64_t limit, ports::Counters* counters) {
  const std::string doing = "image store " + cache_directory.string();
  auto store = std::make_shared<Store>();
  store->limit = limit;
  store->counters = counters;
  const UniqueFd cache(::open(cache_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!cache) return from_errno(errno, doing);
  auto blobs = open_directory(cache.get(), "blobs");
  if (!blobs) return blobs.error().within(doing);
  auto incoming = open_directory(blobs->get(), "incoming");
  if (!incoming) return incoming.error().within(doing);
  auto sealed = open_directory(blobs->get(), "sha256");
  if (!sealed) return sealed.error().within(doing);
  store->incoming = std::move(*incoming);
  store->sealed = std::move(*sealed);
  if (auto done = store->empty_incoming(); !done) return done.error().within(doing);
  if (auto done = store->add_up(); !done) return done.error().within(doing);
  if (::fsync(blobs->get()) != 0 || ::fsync(cache.get()) != 0) return from_errno(errno, doing + ": fsync");
  return std::unique_ptr<DirectoryBlobs>(new DirectoryBlobs(std::move(store)));
}

bool DirectoryBlobs::has(const Digest& digest) const {
  return store_->has(digest);
}

Result<std::unique_ptr<ports::Intake>> DirectoryBlobs::receive(const Digest& digest, std::uint64_t size) {
  if (digest.bytes().size() != kSha256Size) return Error{Errc::invalid, "an image's digest must be SHA-256"};
  const std::string doing = "image " + digest.hex() + " of " + std::to_string(size) + " bytes";
  const std::uint64_t taken = store_->used + store_->reserved;
  if (taken > store_->limit || size > store_->limit - taken) {
    return Error{Errc::no_space, doing + ": the store of " + std::to_string(store_->limit) + " bytes has " +
                                     std::to_string(store_->limit - std::min(taken, store_->limit)) + " left"};
  }
  const std::string name = digest.hex() + "." + std::to_string(++store_->last_name);
  UniqueFd file(::openat(store_->incoming.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                         kIncomingMode));
  if (!file) return write_error(errno, doing + ": create");
  auto intake = std::make_unique<FileIntake>(store_, digest, size, name, std::move(file));
  // The blocks now, the size as it comes. File systems that cannot do that say so, and fill up later.
  if (size > 0 && ::fallocate(intake->descriptor(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)) != 0 &&
      (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
    return write_error(errno, doing + ": allocate");
  }
  return std::unique_ptr<ports::Intake>(std::move(intake));
}

Result<UniqueFd> DirectoryBlobs::open(const Digest& digest) const {
  if (!has(digest)) return Error{Errc::not_found, "image " + digest.hex() + ": not in the store"};
  UniqueFd file(::openat(store_->sealed.get(), digest.hex().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return from_errno(errno, "image " + digest.hex() + ": open");
  return file;
}

Result<void> DirectoryBlobs::remove(const Digest& digest) {
  struct stat there {};
  if (!has(digest)) return {};
  const std::string name = digest.hex();
  if (::fstatat(store_->sealed.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 ||
      ::unlinkat(store_->sealed.get(), name.c_str(), 0) != 0) {
    return from_errno(errno, "image " + name + ": remove");
  }
  store_->used -= std::min(store_->used, static_cast<std::uint64_t>(there.st_size));
  return {};
}

std::uint64_t DirectoryBlobs::used() const {
  return store_->used;
}
std::uint64_t DirectoryBlobs::limit() const {
  return store_->limit;
}

}  // namespace hg::storage
