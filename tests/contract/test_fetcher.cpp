// SPDX-License-Identifier: Apache-2.0
// What every Fetcher promises, asked of the one without a network and of libcurl with nginx behind it.
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "adapters/cloud/curl_fetcher.hpp"
#include "adapters/servers/nginx.hpp"
#include "fakes/memory_web.hpp"
#include "fakes/on_loop.hpp"

namespace hg {
namespace {

class InMemory {
 public:
  ports::Fetcher& fetcher() { return web_; }
  std::string put(const std::string& path, const Bytes& content) {
    web_.put(url(path), content);
    return url(path);
  }
  [[nodiscard]] std::string url(const std::string& path) const { return "https://images.example" + path; }

 private:
  fakes::MemoryWeb web_;
};

class FromNginx {
 public:
  FromNginx() {
    cloud::Fetching settings;
    settings.identity.ca_file = servers::certificates() / "ca.pem";
    fetcher_ = std::make_unique<cloud::CurlFetcher>(library_, settings);
  }
  ports::Fetcher& fetcher() { return *fetcher_; }
  std::string put(const std::string& path, const Bytes& content) {
    nginx_.put(path, content);
    return url(path);
  }
  [[nodiscard]] std::string url(const std::string& path) const { return nginx_.url(path); }

 private:
  servers::Nginx nginx_;
  cloud::CurlLibrary library_;
  std::unique_ptr<cloud::CurlFetcher> fetcher_;
};

constexpr std::size_t kSize = 1'000'000;

Bytes content_of_size(std::size_t size) {
  Bytes content(size);
  for (std::size_t n = 0; n < size; ++n) content[n] = static_cast<std::uint8_t>(n * 7 + n / 251);
  return content;
}

template <class Kind>
class Fetcher : public ::testing::Test {
 protected:
  Result<ports::Fetched> fetch(const std::string& url, std::uint64_t offset = 0, const std::string& etag = "",
                               std::uint64_t limit = kSize) {
    ports::Fetcher::Sink sink = [this](ByteView bytes) -> Result<void> {
      EXPECT_TRUE(etag_) << "the ETag comes before the first byte";
      received_.insert(received_.end(), bytes.begin(), bytes.end());
      if (received_.size() > refuse_after_) return Error{Errc::no_space, "the sink is full"};
      return {};
    };
    auto etag_seen = [this](std::string seen) { etag_ = std::move(seen); };
    const ports::Fetch what{url, offset, limit, etag};
    return fakes::on_loop(loop_, kind_.fetcher().fetch(what, sink, etag_seen));
  }

  boost::asio::io_context loop_;
  Kind kind_;
  Bytes received_;
  std::optional<std::string> etag_;
  std::size_t refuse_after_ = SIZE_MAX;
};

using Kinds = ::testing::Types<InMemory, FromNginx>;
TYPED_TEST_SUITE(Fetcher, Kinds);

TYPED_TEST(Fetcher, BringsEverything) {
  const Bytes content = content_of_size(kSize);
  const auto fetched = this->fetch(this->kind_.put("/image", content));
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(this->received_, content);
  EXPECT_EQ(fetched->bytes, kSize);
  EXPECT_EQ(fetched->etag, this->etag_);
  EXPECT_FALSE(fetched->etag.empty());
}

TYPED_TEST(Fetcher, BringsNothingOfAnEmptyFile) {
  const auto fetched = this->fetch(this->kind_.put("/image", {}));
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(fetched->bytes, 0U);
}

TYPED_TEST(Fetcher, AnErrorOfTheSinkEndsItAndTheRestCanBeFetched) {
  const Bytes content = content_of_size(kSize);
  const std::string url = this->kind_.put("/image", content);
  this->refuse_after_ = kSize / 2;
  const auto broken = this->fetch(url);
  EXPECT_EQ(broken.error().code, Errc::no_space);
  ASSERT_LT(this->received_.size(), kSize);
  this->refuse_after_ = SIZE_MAX;
  const std::size_t there = this->received_.size();
  const auto rest = this->fetch(url, there, *this->etag_);
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->bytes, kSize - there);
  EXPECT_EQ(this->received_, content);
}

TYPED_TEST(Fetcher, ThePartsMustBeOfOneRepresentation) {
  const std::string url = this->kind_.put("/image", content_of_size(kSize));
  this->refuse_after_ = kSize / 2;
  (void)this->fetch(url);
  this->refuse_after_ = SIZE_MAX;
  const std::size_t there = this->received_.size();
  this->kind_.put("/image", content_of_size(kSize - 1));
  EXPECT_EQ(this->fetch(url, there, *this->etag_).error().code, Errc::mismatch);
  EXPECT_EQ(this->received_.size(), there);
}

TYPED_TEST(Fetcher, TooMuchIsRefusedBeforeTheFirstByte) {
  const std::string url = this->kind_.put("/image", content_of_size(kSize));
  EXPECT_EQ(this->fetch(url, 0, "", kSize - 1).error().code, Errc::too_large);
  EXPECT_TRUE(this->received_.empty());
}

TYPED_TEST(Fetcher, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(this->fetch(this->kind_.url("/absent")).error().code, Errc::not_found);
}

TYPED_TEST(Fetcher, OnlyHttpsIsFetched) {
  EXPECT_EQ(this->fetch("http://images.example/image").error().code, Errc::unsupported);
}

TYPED_TEST(Fetcher, ItCanBeCancelled) {
  const std::string url = this->kind_.put("/image", content_of_size(100 * kSize));
  boost::asio::cancellation_signal stop;
  std::optional<Result<ports::Fetched>> ended;
  auto keep = [&](std::exception_ptr, Result<ports::Fetched> fetched) { ended = std::move(fetched); };
  auto cancel = [&stop] { stop.emit(boost::asio::cancellation_type::terminal); };
  bool is_under_way = false;
  ports::Fetcher::Sink sink = [&](ByteView) -> Result<void> {
    if (!std::exchange(is_under_way, true)) boost::asio::post(this->loop_, cancel);
    return {};
  };
  const ports::Fetch what{url, 0, 100 * kSize, ""};
  boost::asio::co_spawn(this->loop_, this->kind_.fetcher().fetch(what, sink, nullptr),
                        boost::asio::bind_cancellation_slot(stop.slot(), keep));
  ASSERT_TRUE(fakes::run_until(this->loop_, [&] { return ended.has_value(); }));
  EXPECT_EQ(ended->error().code, Errc::cancelled);
}

}  // namespace
}  // namespace hg
