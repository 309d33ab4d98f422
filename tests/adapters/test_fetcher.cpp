// SPDX-License-Identifier: Apache-2.0
// The fetcher against nginx with TLS, and against a server that does everything wrong that a server can.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "adapters/cloud/curl_fetcher.hpp"
#include "adapters/cloud/download.hpp"
#include "adapters/servers/nginx.hpp"
#include "adapters/servers/program.hpp"
#include "fakes/memory_blobs.hpp"
#include "fakes/on_loop.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg {
namespace {

using servers::certificates;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kLimit = 1 << 20;
constexpr std::size_t kBodySize = 102'400;  // of https.py

/// https.py under one of the test certificates.
class BadServer {
 public:
  explicit BadServer(const std::string& certificate = "server")
      : program_({"/usr/bin/python3", "-B", std::string(HEADGATE_SOURCE_DIR) + "/tests/adapters/servers/https.py",
                  certificates() / (certificate + ".pem"), certificates() / (certificate + ".key")}) {
    port_ = std::stoi(program_.wait_for("\n"));
  }
  [[nodiscard]] std::string url(const std::string& path, const std::string& host = "localhost") const {
    return "https://" + host + ":" + std::to_string(port_) + path;
  }

 private:
  servers::Program program_;
  int port_ = 0;
};

class Fetcher : public ::testing::Test {
 protected:
  Fetcher() {
    settings_.identity.ca_file = certificates() / "ca.pem";
    settings_.patience = std::chrono::seconds{2};
    settings_.connect_timeout = std::chrono::seconds{5};
  }

  cloud::CurlFetcher& fetcher() {
    if (!fetcher_) fetcher_ = std::make_unique<cloud::CurlFetcher>(library_, settings_);
    return *fetcher_;
  }

  Result<ports::Fetched> fetch(ports::Fetch what) {
    ports::Fetcher::Sink sink = [this](ByteView bytes) -> Result<void> {
      EXPECT_TRUE(etag_) << "the ETag comes before the first byte";
      received_.insert(received_.end(), bytes.begin(), bytes.end());
      if (received_.size() > refuse_after_) return Error{Errc::no_space, "the sink is full"};
      return {};
    };
    auto etag_seen = [this](std::string etag) { etag_ = std::move(etag); };
    return fakes::on_loop(loop_, fetcher().fetch(std::move(what), sink, etag_seen));
  }
  Result<ports::Fetched> fetch(const std::string& url) { return fetch(ports::Fetch{url, 0, kLimit, ""}); }

  static BadServer& bad_server() {
    static BadServer server;
    return server;
  }
  Errc code_of(const std::string& path) { return fetch(bad_server().url(path)).error().code; }

  cloud::CurlLibrary library_;
  cloud::Fetching settings_;
  boost::asio::io_context loop_;
  std::unique_ptr<cloud::CurlFetcher> fetcher_;
  Bytes received_;
  std::optional<std::string> etag_;
  std::size_t refuse_after_ = SIZE_MAX;
};

// ------------------------------------------------------------------------------------------------------------ nginx

constexpr std::uint64_t kImageSize = 64 << 20;

class FetcherFromNginx : public Fetcher {
 protected:
  static void SetUpTestSuite() {
    nginx_ = std::make_unique<servers::Nginx>();
    write_image(1, kImageSize);
  }
  static void write_image(std::uint8_t fill, std::uint64_t size) { nginx_->put("/image", Bytes(size, fill)); }
  static void TearDownTestSuite() { nginx_.reset(); }
  static std::unique_ptr<servers::Nginx> nginx_;
};
std::unique_ptr<servers::Nginx> FetcherFromNginx::nginx_;

TEST_F(FetcherFromNginx, BringsAWholeFile) {
  const auto fetched = fetch({nginx_->url("/image"), 0, kImageSize, ""});
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(fetched->bytes, kImageSize);
  EXPECT_EQ(fetched->etag, *etag_);
  EXPECT_TRUE(fetched->etag.starts_with('"'));
  EXPECT_EQ(fakes::sha256_of(received_), fakes::sha256_of(Bytes(kImageSize, 1)));
}

TEST_F(FetcherFromNginx, GoesOnWhereAFetchBroke) {
  refuse_after_ = 10'000'000;
  ASSERT_EQ(fetch({nginx_->url("/image"), 0, kImageSize, ""}).error().code, Errc::no_space);
  const std::size_t there = received_.size();
  EXPECT_LT(there, kImageSize);
  refuse_after_ = SIZE_MAX;
  const auto rest = fetch({nginx_->url("/image"), there, kImageSize, *etag_});
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->bytes, kImageSize - there);
  EXPECT_EQ(received_.size(), kImageSize);
}

TEST_F(FetcherFromNginx, BeginsAnewWhenTheFileHasChanged) {
  refuse_after_ = 1'000'000;
  ASSERT_FALSE(fetch({nginx_->url("/image"), 0, kImageSize, ""}));
  const std::string before = *etag_;
  write_image(2, kImageSize + 1);
  const auto rest = fetch({nginx_->url("/image"), received_.size(), 2 * kImageSize, before});
  write_image(1, kImageSize);
  EXPECT_EQ(rest.error().code, Errc::mismatch) << rest.error().message;
}

TEST_F(FetcherFromNginx, RefusesTooMuchBeforeTheFirstByte) {
  const auto fetched = fetch({nginx_->url("/image"), 0, kImageSize - 1, ""});
  EXPECT_EQ(fetched.error().code, Errc::too_large);
  EXPECT_TRUE(received_.empty());
  EXPECT_EQ(fetch({nginx_->url("/image"), 100, 50, "\"x\""}).error().code, Errc::too_large);
}

TEST_F(FetcherFromNginx, SaysThatAFileIsNotThere) {
  const auto fetched = fetch(nginx_->url("/absent?token=secret"));
  EXPECT_EQ(fetched.error().code, Errc::not_found);
  EXPECT_THAT(fetched.error().message, AllOf(HasSubstr("/absent: the server answered 404"), Not(HasSubstr("secret"))));
  EXPECT_TRUE(received_.empty());
}

TEST_F(FetcherFromNginx, ShowsAClientCertificateWhenItHasOne) {
  EXPECT_EQ(fetch(nginx_->strict_url("/image")).error().code, Errc::invalid) << "nginx answers 400";
  settings_.identity.certificate_file = certificates() / "client.pem";
  settings_.identity.private_key_file = certificates() / "client.key";
  fetcher_.reset();
  const auto fetched = fetch({nginx_->strict_url("/image"), 0, kImageSize, ""});
  EXPECT_TRUE(fetched) << fetched.error().message;
}

TEST_F(FetcherFromNginx, DoesNotSpeakOldTls) {
  const auto fetched = fetch(nginx_->old_url("/image"));
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, Errc::unavailable) << fetched.error().message;
}

TEST_F(FetcherFromNginx, FetchesThreeThingsTwoAtATime) {
  int done = 0;
  auto count = [&](std::exception_ptr, Result<ports::Fetched> fetched) { done += fetched ? 1 : 0; };
  ports::Fetcher::Sink sink = [](ByteView) -> Result<void> { return {}; };
  for (int n = 0; n < 3; ++n) {
    boost::asio::co_spawn(loop_, fetcher().fetch({nginx_->url("/image"), 0, kImageSize, ""}, sink, nullptr), count);
  }
  EXPECT_TRUE(fakes::run_until(loop_, [&] { return done == 3; }));
}

// ------------------------------------------------------------------------------------------------------- bad servers

TEST_F(Fetcher, OnlyHttpsIsFetched) {
  for (const char* const url : {"http://localhost/x", "file:///etc/passwd", "ftp://localhost/x"}) {
    EXPECT_EQ(fetch(std::string(url)).error().code, Errc::unsupported) << url;
  }
  EXPECT_EQ(fetch(std::string("not a url")).error().code, Errc::invalid);
  EXPECT_EQ(fetch(std::string("https://")).error().code, Errc::invalid);
}

TEST_F(Fetcher, ErrorsNameTheUrlWithoutItsSecrets) {
  EXPECT_EQ(cloud::printable_url("https://user:secret@host:8443/a/b?token=secret#part"), "https://host:8443/a/b");
  EXPECT_EQ(cloud::printable_url("\n"), "(no URL)");
  const auto fetched = fetch("https://user:secret@localhost:" + std::to_string(servers::free_port()) + "/x?secret");
  EXPECT_EQ(fetched.error().code, Errc::unavailable);
  EXPECT_THAT(fetched.error().message, AllOf(HasSubstr("fetch https://localhost"), Not(HasSubstr("secret"))));
}

TEST_F(Fetcher, ABrokenConnectionIsUnavailable) {
  const auto reset = fetch(bad_server().url("/reset/60000"));
  EXPECT_EQ(reset.error().code, Errc::unavailable) << reset.error().message;
  EXPECT_EQ(etag_, "\"one\"");
  EXPECT_LE(received_.size(), 60'000U);
  EXPECT_EQ(code_of("/lying"), Errc::unavailable);
}

TEST_F(Fetcher, ResumesWithTheSameRepresentationOnly) {
  const auto part = fetch({bad_server().url("/part/one"), 100'000, kLimit, "\"one\""});
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(part->bytes, kBodySize - 100'000);
  received_.clear();
  EXPECT_EQ(fetch({bad_server().url("/part/two"), 100'000, kLimit, "\"one\""}).error().code, Errc::mismatch);
  EXPECT_EQ(fetch({bad_server().url("/whole"), 100'000, kLimit, "\"one\""}).error().code, Errc::mismatch);
  EXPECT_EQ(fetch({bad_server().url("/other-part"), 100'000, kLimit, "\"one\""}).error().code, Errc::mismatch);
  EXPECT_EQ(fetch({bad_server().url("/status/416"), 100'000, kLimit, "\"one\""}).error().code, Errc::mismatch);
  EXPECT_TRUE(received_.empty());
}

TEST_F(Fetcher, AsksForWhatItMeans) {
  ASSERT_TRUE(fetch(bad_server().url("/headers")));
  EXPECT_THAT(
      std::string(received_.begin(), received_.end()),
      AllOf(HasSubstr("Accept-Encoding: identity"), HasSubstr("User-Agent: headgate"), Not(HasSubstr("Range"))));
}

TEST_F(Fetcher, ABodyWithoutEndOrLengthIsLimited) {
  EXPECT_EQ(code_of("/endless"), Errc::too_large);
  EXPECT_LE(received_.size(), kLimit);
  received_.clear();
  const auto unsized = fetch(bad_server().url("/unsized"));
  ASSERT_TRUE(unsized) << unsized.error().message;
  EXPECT_EQ(unsized->bytes, kBodySize);
}

TEST_F(Fetcher, TooSlowIsTimedOut) {
  EXPECT_EQ(code_of("/slow"), Errc::timed_out);
  EXPECT_EQ(code_of("/silent"), Errc::timed_out);
}

TEST_F(Fetcher, RedirectsStayOnHttpsAndEnd) {
  EXPECT_EQ(code_of("/redirect-http"), Errc::unsupported);
  EXPECT_EQ(code_of("/redirect-file"), Errc::unsupported);
  EXPECT_EQ(code_of("/redirect/4"), Errc::unavailable);
  EXPECT_TRUE(received_.empty());
  const auto three = fetch(bad_server().url("/redirect/3"));
  ASSERT_TRUE(three) << three.error().message;
  EXPECT_EQ(three->etag, "\"one\"");
  EXPECT_EQ(received_.size(), kBodySize);
}

TEST_F(Fetcher, StatusCodesAreToldApart) {
  EXPECT_EQ(code_of("/status/500"), Errc::unavailable);
  EXPECT_EQ(code_of("/status/503"), Errc::unavailable);
  EXPECT_EQ(code_of("/status/429"), Errc::unavailable);
  EXPECT_EQ(code_of("/status/404"), Errc::not_found);
  EXPECT_EQ(code_of("/status/410"), Errc::not_found);
  EXPECT_EQ(code_of("/status/403"), Errc::denied);
  EXPECT_EQ(code_of("/status/400"), Errc::invalid);
  EXPECT_EQ(code_of("/status/206"), Errc::invalid) << "a part that nobody asked for";
  EXPECT_TRUE(received_.empty()) << "what comes with an error is no content";
}

TEST_F(Fetcher, AnEmptyBodyIsABody) {
  const auto fetched = fetch(bad_server().url("/nothing"));
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched->bytes, 0U);
  EXPECT_EQ(etag_, "\"empty\"");
}

TEST_F(Fetcher, TheServerMustBeWhoItShouldBe) {
  const auto by_address = fetch(bad_server().url("/nothing", "127.0.0.1"));
  EXPECT_TRUE(by_address) << by_address.error().message;
  for (const char* const certificate : {"elsewhere", "stranger"}) {
    const BadServer server(certificate);
    const auto fetched = fetch(server.url("/whole"));
    EXPECT_EQ(fetched.error().code, Errc::unauthenticated) << certificate << ": " << fetched.error().message;
  }
  EXPECT_TRUE(received_.empty());
}

TEST_F(Fetcher, APinnedKeyMustBeTheServers) {
  settings_.pinned_public_key = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  EXPECT_EQ(code_of("/whole"), Errc::unauthenticated);
}

TEST_F(Fetcher, AMissingCaFileIsTold) {
  settings_.identity.ca_file = "/absent/ca.pem";
  const auto fetched = fetch(bad_server().url("/whole"));
  EXPECT_EQ(fetched.error().code, Errc::io);
  EXPECT_THAT(fetched.error().message, HasSubstr("/absent/ca.pem"));
}

TEST_F(Fetcher, IsCancelledSoon) {
  settings_.patience = std::chrono::minutes{1};
  boost::asio::cancellation_signal stop;
  std::optional<Result<ports::Fetched>> ended;
  auto keep = [&](std::exception_ptr, Result<ports::Fetched> fetched) { ended = std::move(fetched); };
  ports::Fetcher::Sink sink = [&](ByteView) -> Result<void> {
    auto cancel = [&] { stop.emit(boost::asio::cancellation_type::terminal); };
    boost::asio::post(loop_, cancel);  // once it is under way
    return {};
  };
  boost::asio::co_spawn(loop_, fetcher().fetch({bad_server().url("/slow"), 0, kLimit, ""}, sink, nullptr),
                        boost::asio::bind_cancellation_slot(stop.slot(), keep));
  const auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(fakes::run_until(loop_, [&] { return ended.has_value(); }));
  EXPECT_EQ(ended->error().code, Errc::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{3});
}

TEST_F(Fetcher, ItsEndEndsWhatIsUnderWay) {
  settings_.patience = std::chrono::minutes{1};
  bool is_under_way = false;
  auto ignore = [](std::exception_ptr, const Result<ports::Fetched>& fetched) {
    EXPECT_EQ(fetched.error().code, Errc::cancelled);
  };
  ports::Fetcher::Sink sink = [&](ByteView) -> Result<void> {
    auto mark = [&] { is_under_way = true; };
    boost::asio::post(loop_, mark);
    return {};
  };
  boost::asio::co_spawn(loop_, fetcher().fetch({bad_server().url("/slow"), 0, kLimit, ""}, sink, nullptr), ignore);
  ASSERT_TRUE(fakes::run_until(loop_, [&] { return is_under_way; }));
  fetcher_.reset();
  loop_.restart();
  loop_.run_for(std::chrono::seconds{5});
}

}  // namespace
}  // namespace hg
