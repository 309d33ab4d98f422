// SPDX-License-Identifier: Apache-2.0
#include "adapters/cloud/download.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

namespace hg::cloud {
namespace {

constexpr long kMostRedirects = 3;
constexpr long kReceiveBufferBytes = 16 * 1024;

struct Free {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(char* text) const { curl_free(text); }
};

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  const std::unique_ptr<char, Free> owned(text);
  return text;
}

std::unique_ptr<CURLU, Free> parse_url(const std::string& text) {
  std::unique_ptr<CURLU, Free> url(curl_url());
  if (url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) url.reset();
  return url;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

/// RFC 9110 §8.8.3: a weak one cannot vouch for the bytes of a range (§13.1.5).
bool is_strong(std::string_view etag) {
  return etag.starts_with('"');
}

Errc errc_of(int curl_code) {
  switch (curl_code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Errc::timed_out;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CERTPROBLEM:
      return Errc::unauthenticated;
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Errc::unsupported;
    case CURLE_URL_MALFORMAT:
      return Errc::invalid;
    case CURLE_SSL_CACERT_BADFILE:
      return Errc::io;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_NOT_BUILT_IN:
      return Errc::internal;
    default:
      return Errc::unavailable;  // name, connection, broken off, a server that talks nonsense
  }
}

}  // namespace

std::string printable_url(const std::string& text) {
  const auto url = parse_url(text);
  if (!url) return "(no URL)";
  std::string shown = part_of(url.get(), CURLUPART_SCHEME) + "://" + part_of(url.get(), CURLUPART_HOST);
  const std::string port = part_of(url.get(), CURLUPART_PORT);
  if (!port.empty()) shown.append(":").append(port);
  return shown + part_of(url.get(), CURLUPART_PATH);
}

/// What libcurl calls; nothing may be thrown through it.
struct Download::Callbacks {
  static std::size_t header(char* data, std::size_t size, std::size_t count, void* self) {
    const auto take = [&](Download& download) { return download.take_header({data, size * count}); };
    return guarded(self, size * count, take);
  }
  static std::size_t body(char* data, std::size_t size, std::size_t count, void* self) {
    const auto take = [&](Download& download) { return download.take_body(as_bytes({data, size * count})); };
    return guarded(self, size * count, take);
  }
  static int progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Download*>(self)->is_stopped() ? 1 : 0;
  }

 private:
  /// The size, or 0 or one too many to end the transfer, with the reason kept.
  template <class Take>
  static std::size_t guarded(void* self, std::size_t size, const Take& take) {
    Download& download = *static_cast<Download*>(self);
    try {
      const Result<void> taken = take(download);
      if (taken) return size;
      download.error_ = taken.error();
    } catch (const std::exception& thrown) {
      download.error_ = Error{Errc::internal, thrown.what()};
    }
    return size + 1;
  }
};

Download::Download(const Fetching& settings, ports::Fetch what, ports::Fetcher::Sink sink,
                   std::function<void(std::string)> etag_seen, std::vector<adapters::StopFlag> stops)
    : settings_(settings),
      what_(std::move(what)),
      sink_(std::move(sink)),
      etag_seen_(std::move(etag_seen)),
      stops_(std::move(stops)),
      curl_error_(CURL_ERROR_SIZE) {}

Result<ports::Fetched> Download::run() {
  auto fetched = perform();
  if (!fetched && fetched.error().code != Errc::cancelled) {
    return fetched.error().within("fetch " + printable_url(what_.url));
  }
  return fetched;
}

bool Download::is_stopped() const {
  return std::ranges::any_of(stops_, [](const adapters::StopFlag& stop) { return stop->load(); });
}

Result<ports::Fetched> Download::perform() {
  if (is_stopped()) return Error{Errc::cancelled, "fetch cancelled"};
  const auto url = parse_url(what_.url);
  if (!url) return Error{Errc::invalid, "not a URL"};
  if (part_of(url.get(), CURLUPART_SCHEME) != "https") return Error{Errc::unsupported, "not https"};
  if (what_.offset > what_.limit) return Error{Errc::too_large, "more bytes than the limit are there already"};
  const std::unique_ptr<CURL, Free> easy(curl_easy_init());
  if (!easy) return Error{Errc::internal, "curl_easy_init failed"};
  easy_ = easy.get();
  set_options(easy_);
  curl_slist* list = curl_slist_append(nullptr, "Accept-Encoding: identity");
  if (what_.offset > 0 && is_strong(what_.etag)) {
    if (curl_slist* const longer = curl_slist_append(list, ("If-Range: " + what_.etag).c_str())) list = longer;
  }
  const std::unique_ptr<curl_slist, Free> headers(list);
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers.get());

  const int code = curl_easy_perform(easy_);
  if (is_stopped()) return Error{Errc::cancelled, "fetch cancelled"};
  if (error_) return *error_;
  if (code != CURLE_OK) return error_of(code);
  // An answer without a body has passed no check yet.
  if (auto checked = check_head(); !checked) return checked.error();
  return fetched_;
}

void Download::set_options(void* easy) {
  const Identity& identity = settings_.identity;
  const auto text = [easy](CURLoption option, const std::string& value) {
    if (!value.empty()) curl_easy_setopt(easy, option, value.c_str());
  };
  const auto number = [easy](CURLoption option, long value) { curl_easy_setopt(easy, option, value); };
  number(CURLOPT_NOSIGNAL, 1);
  text(CURLOPT_URL, what_.url);
  text(CURLOPT_PROTOCOLS_STR, "https");
  text(CURLOPT_REDIR_PROTOCOLS_STR, "https");
  number(CURLOPT_FOLLOWLOCATION, 1);
  number(CURLOPT_MAXREDIRS, kMostRedirects);
  number(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);  // one stream: HTTP/2 would only add memory and a parser
  text(CURLOPT_USERAGENT, settings_.user_agent);

  number(CURLOPT_SSL_VERIFYPEER, 1);
  number(CURLOPT_SSL_VERIFYHOST, 2);
  number(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  text(CURLOPT_CAINFO, identity.ca_file);
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // who is believed stands in one place
  text(CURLOPT_SSLCERT, identity.certificate_file);
  text(CURLOPT_SSLKEY, identity.private_key_file);
  text(CURLOPT_PINNEDPUBLICKEY, settings_.pinned_public_key);

  number(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_timeout.count()));
  number(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(settings_.minimum_bytes_per_second));
  number(CURLOPT_LOW_SPEED_TIME, std::chrono::ceil<std::chrono::seconds>(settings_.patience).count());
  number(CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
  if (what_.offset > 0) text(CURLOPT_RANGE, std::to_string(what_.offset) + "-");

  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, curl_error_.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Callbacks::header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Callbacks::body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Callbacks::progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
  number(CURLOPT_NOPROGRESS, 0);
}

Result<void> Download::take_header(std::string_view line) {
  if (line.starts_with("HTTP/")) {
    head_ = {};
    return {};
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  constexpr std::size_t kLongestETag = 256;
  if (equals_ignoring_case(name, "etag") && value.size() <= kLongestETag) head_.etag = value;
  if (equals_ignoring_case(name, "content-range")) head_.content_range = value;
  if (equals_ignoring_case(name, "content-length")) head_.content_length = number_in(value);
  return {};
}

Result<void> Download::check_status() const {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  const std::string text = "the server answered " + std::to_string(status);
  if (status == 206 && what_.offset > 0) return {};
  if (status == 200) {
    if (what_.offset == 0) return {};
    return Error{Errc::mismatch, "the representation has changed, or the server knows no ranges: begin anew"};
  }
  if (status == 404 || status == 410) return Error{Errc::not_found, text};
  if (status == 401 || status == 403 || status == 451) return Error{Errc::denied, text};
  if (status == 412 || status == 416) return Error{Errc::mismatch, text + ": begin anew"};
  if (status == 408 || status == 425 || status == 429 || status >= 500) return Error{Errc::unavailable, text};
  return Error{Errc::invalid, text};
}

Result<void> Download::check_part() {
  // "bytes 42-1233/1234" (RFC 9110 §14.4)
  const std::string begins = "bytes " + std::to_string(what_.offset) + "-";
  if (!head_.content_range.starts_with(begins)) {
    return Error{Errc::mismatch, "the server sent another part than the one asked for: begin anew"};
  }
  if (!what_.etag.empty() && !head_.etag.empty() && head_.etag != what_.etag) {
    return Error{Errc::mismatch, "the representation has changed: begin anew"};
  }
  return {};
}

Result<void> Download::check_head() {
  if (std::exchange(is_head_checked_, true)) return {};
  if (auto status = check_status(); !status) return status;
  if (what_.offset > 0) {
    if (auto part = check_part(); !part) return part;
  }
  if (head_.content_length && *head_.content_length > what_.limit - what_.offset) {
    return Error{Errc::too_large, std::to_string(*head_.content_length) + " bytes announced, " +
                                      std::to_string(what_.limit - what_.offset) + " allowed"};
  }
  fetched_.etag = head_.etag;
  if (etag_seen_) etag_seen_(head_.etag);
  return {};
}

Result<void> Download::take_body(ByteView bytes) {
  if (auto checked = check_head(); !checked) return checked;
  if (bytes.size() > what_.limit - what_.offset - fetched_.bytes) {
    return Error{Errc::too_large, "more than the " + std::to_string(what_.limit) + " bytes that are allowed"};
  }
  if (is_stopped()) return Error{Errc::cancelled, "fetch cancelled"};
  if (auto taken = sink_(bytes); !taken) return taken;
  fetched_.bytes += bytes.size();
  return {};
}

Error Download::error_of(int curl_code) const {
  const auto code = static_cast<CURLcode>(curl_code);
  std::string text = curl_error_[0] != '\0' ? curl_error_.data() : curl_easy_strerror(code);
  return Error{errc_of(curl_code), std::move(text)};
}

}  // namespace hg::cloud
