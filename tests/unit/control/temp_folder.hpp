// SPDX-License-Identifier: Apache-2.0
// A private folder for a test's sockets, removed with it.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <string>

namespace sluice::test {

class TempFolder {
 public:
  TempFolder() {
    std::string name = "/tmp/sluice-control-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace sluice::test
