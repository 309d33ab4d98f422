// SPDX-License-Identifier: Apache-2.0
#include "adapters/cloud/curl_library.hpp"

#include <curl/curl.h>

#include <stdexcept>

namespace hg::cloud {

CurlLibrary::CurlLibrary() {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
}

CurlLibrary::~CurlLibrary() {
  curl_global_cleanup();
}

}  // namespace hg::cloud
