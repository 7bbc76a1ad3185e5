// SPDX-License-Identifier: Apache-2.0
// The main() of a fuzz target outside the fuzz preset: runs it once over each file of the corpus
// directories (or files) named on the command line, so that every build checks what fuzzing has
// found. Thread: main.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// False when the file cannot be read.
bool replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s: check the path and its permissions\n", path.c_str());
    return false;
  }
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  // A fresh heap block of the exact size: AddressSanitizer then sees a read one byte too far.
  const std::vector<std::uint8_t> data(bytes.begin(), bytes.end());
  std::fprintf(stderr, "%s\n", path.filename().c_str());
  LLVMFuzzerTestOneInput(data.data(), data.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    std::error_code error;
    if (!std::filesystem::is_directory(argv[i], error)) {
      if (!replay(argv[i])) return 1;
      ++count;
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      if (!replay(entry.path())) return 1;
      ++count;
    }
  }
  if (count == 0) {
    std::fprintf(stderr,
                 "no input: give at least one corpus directory or file that is not empty\n");
    return 1;
  }
  std::printf("%zu inputs\n", count);
  return 0;
}
