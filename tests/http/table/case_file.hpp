// SPDX-License-Identifier: Apache-2.0
// The files of tests/http/table: Markdown that says what a configuration does to requests, and is run as a test.
// README.md beside it explains the form. Thread: main.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace sluice::table {

// What is expected of one message. A field's value "*" is any; a name that begins with '-' must be absent.
struct Expectation {
  std::string to;  // endpoints only: which one; "" = any
  std::string start;
  std::vector<std::pair<std::string, std::string>> fields;
  bool has_body = false;
  std::string body;
};

struct Turn {
  std::string request;  // as it is sent
  bool head_method = false;
  bool nothing = false;  // no endpoint is asked
  std::vector<Expectation> received;
  std::string answer;  // of the endpoint, as it is sent; "" = 200 with its name as the body
  std::vector<Expectation> answered;
};

// One "## " section: its turns go over one connection.
struct Section {
  std::string name;
  std::string config;  // the http routes of a VirtualService, or whole objects
  std::vector<std::pair<std::string, std::string>> flags;
  std::vector<Turn> turns;
};

// A file that breaks the rules of the form ends the program with a message.
[[nodiscard]] std::vector<Section> read_case_file(const std::filesystem::path& path);

}  // namespace sluice::table
