// SPDX-License-Identifier: Apache-2.0
// Gives every file of the directories in its arguments to a fuzz target, once and in order, so that each run of the
// tests tries again what fuzzing found. Linked to each target in place of libFuzzer; run by ctest. A target that finds
// something ends the process; a directory that is missing or empty is a failure too, for it would prove nothing.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Paths = std::vector<std::filesystem::path>;

/// Throws when there is no such directory.
Paths files_below(const char* directory) {
  Paths files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

void replay(const std::filesystem::path& path) {
  std::fprintf(stderr, "%s\n", path.c_str());  // the last one printed is the one that failed
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> input(std::istreambuf_iterator<char>(file), {});
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());  // its own size, so that ASan sees its end
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const Paths files = files_below(argv[i]);
    for (const auto& path : files) replay(path);
    std::printf("%zu inputs replayed from %s\n", files.size(), argv[i]);
    if (files.empty()) return 1;
  }
  return argc > 1 ? 0 : 1;
}
