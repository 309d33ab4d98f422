// SPDX-License-Identifier: Apache-2.0
// libcurl's process-wide state, made once by main before any thread and given to those who fetch.
#pragma once

namespace hg::cloud {

class CurlLibrary {
 public:
  /// Throws std::runtime_error.
  CurlLibrary();
  CurlLibrary(const CurlLibrary&) = delete;
  CurlLibrary& operator=(const CurlLibrary&) = delete;
  ~CurlLibrary();
};

}  // namespace hg::cloud
