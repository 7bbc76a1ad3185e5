// SPDX-License-Identifier: Apache-2.0
// golden_config DIRECTORY [--update] [CASE]: translates each case's in/ and compares the World and
// the diagnostics with world.txt and diagnostics.txt, and with status.txt what is to be said in status. A case with in/1, in/2 ... is a sequence of
// versions seen by one Translator, and its expected files hold all of them one after the other.
// --update writes what came out; read the diff before committing.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/golden/config/status_text.hpp"
#include "tests/golden/config/world_text.hpp"

namespace fs = std::filesystem;

namespace {

struct Texts {
  std::string world;
  std::string diagnostics;
  std::string status;  // empty: no file
};

std::vector<fs::path> sorted_directories(const fs::path& parent) {
  std::vector<fs::path> out;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent)) {
    if (entry.is_directory()) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Texts run_case(const fs::path& directory) {
  sluice::config::Translator translator(
      {.gateway_labels = {{"istio", "ingressgateway"}}, .node_name = "node-1"});
  Texts out;
  const fs::path in = directory / "in";
  std::vector<fs::path> steps = sorted_directories(in);
  const bool sequence = !steps.empty();
  if (!sequence) steps.push_back(in);
  bool judged = false;
  for (const fs::path& step : steps) {
    if (sequence) {
      const std::string title = fmt::format("=== {}\n", step.filename().string());
      out.world += title;
      out.diagnostics += title;
      out.status += title;
    }
    // The steps are versions of one directory, so they go through one name: a link of this run's
    // own.
    const fs::path link =
        fs::temp_directory_path() / fmt::format("sluice-golden-{}", static_cast<int>(::getpid()));
    fs::remove(link);
    fs::create_directory_symlink(fs::absolute(step), link);
    const auto translation = translator.load_directory(link.string());
    fs::remove(link);
    const std::string prefix = link.string() + "/";
    out.world += sluice::config::world_text(translation.world, prefix);
    out.diagnostics += sluice::config::diagnostics_text(translation, prefix);
    const std::string status = sluice::config::status_text(translation.status);
    judged = judged || !status.empty();
    out.status += status;
  }
  if (!judged) out.status.clear();
  return out;
}

std::string read(const fs::path& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// The first line in which the two differ.
void show_difference(const std::string& wanted, const std::string& got) {
  std::istringstream a(wanted);
  std::istringstream b(got);
  std::string left;
  std::string right;
  for (int line = 1;; ++line) {
    const bool more_left = static_cast<bool>(std::getline(a, left));
    const bool more_right = static_cast<bool>(std::getline(b, right));
    if (!more_left && !more_right) return;
    if (more_left == more_right && left == right) continue;
    fmt::print("  line {}\n    wanted: {}\n    got:    {}\n", line, more_left ? left : "(end)",
               more_right ? right : "(end)");
    return;
  }
}

bool compare(const fs::path& path, const std::string& got, bool update) {
  if (update) {
    std::ofstream(path) << got;
    return true;
  }
  const std::string wanted = read(path);
  if (fs::exists(path) && wanted == got) return true;
  fmt::print("FAIL {}\n", path.string());
  show_difference(wanted, got);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  bool update = false;
  std::vector<std::string> names;
  for (const std::string& argument : arguments) {
    if (argument == "--update") {
      update = true;
    } else {
      names.push_back(argument);
    }
  }
  if (names.empty()) {
    fmt::print("usage: golden_config DIRECTORY [--update] [CASE]\n");
    return 2;
  }
  int cases = 0;
  int failures = 0;
  for (const fs::path& directory : sorted_directories(names.front())) {
    if (names.size() > 1 && directory.filename() != names[1]) continue;
    ++cases;
    const Texts texts = run_case(directory);
    const bool world = compare(directory / "world.txt", texts.world, update);
    const bool diagnostics = compare(directory / "diagnostics.txt", texts.diagnostics, update);
    const fs::path status_path = directory / "status.txt";
    const bool told = !texts.status.empty() || fs::exists(status_path);
    const bool status = !told || compare(status_path, texts.status, update);
    if (!world || !diagnostics || !status) ++failures;
  }
  fmt::print("{} cases, {} failed\n", cases, failures);
  return failures == 0 && cases > 0 ? 0 : 1;
}
