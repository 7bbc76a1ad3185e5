// SPDX-License-Identifier: Apache-2.0
#include "tests/http/table/case_file.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace sluice::table {
namespace {

// A line's mark and what follows it: "<< Server: x" gives "<<" and "Server: x".
struct Marked {
  std::string_view mark;
  std::string text;
};

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path.string()), in_(path) {}

  std::vector<Section> read() {
    Section common;
    Section* section = &common;
    std::string line;
    while (next(line)) {
      if (line.starts_with("## ")) {
        section = &sections_.emplace_back(common);
        section->name = line.substr(3);
      } else if (line.starts_with("```")) {
        read_block(line.substr(3), *section);
      }
    }
    return std::move(sections_);
  }

 private:
  bool next(std::string& line) {
    ++number_;
    return static_cast<bool>(std::getline(in_, line));
  }

  [[noreturn]] void fail(const std::string& what) const {
    std::fprintf(stderr, "%s:%d: %s\n", path_.c_str(), number_, what.c_str());
    std::abort();
  }

  void read_block(const std::string& kind, Section& section) {
    if (kind == "yaml") section.config.clear();
    std::string line;
    Turn* turn = nullptr;
    std::string_view before;
    bool body = false;
    while (next(line) && line != "```") {
      if (kind == "yaml") {
        section.config += line + "\n";
      } else if (kind == "flags") {
        const std::size_t space = line.find(' ');
        section.flags.emplace_back(line.substr(0, space), line.substr(space + 1));
      } else if (kind == "http") {
        if (line.empty()) continue;
        const Marked marked = split(line);
        if (marked.mark == ">" && before != ">") turn = &section.turns.emplace_back();
        if (turn == nullptr) fail("an exchange begins with what the client sends, after '> '");
        if (marked.mark != before) body = false;
        before = marked.mark;
        take(marked, *turn, body);
      } else {
        fail("a block is yaml, flags or http");
      }
    }
  }

  Marked split(const std::string& line) const {
    for (const std::string_view mark : {"<<", ">>", "<", ">"}) {
      if (!line.starts_with(mark)) continue;
      const bool spaced = line.size() > mark.size();
      if (spaced && line[mark.size()] != ' ') fail("a space belongs behind " + std::string(mark));
      return {mark, spaced ? line.substr(mark.size() + 1) : ""};
    }
    fail("a line begins with <, <<, > or >>");
  }

  void take(const Marked& line, Turn& turn, bool& body) const {
    if (line.mark == ">") {
      append(line.text, turn.request, body);
      turn.head_method = turn.request.starts_with("HEAD ");
    } else if (line.mark == "<<") {
      append(line.text, turn.answer, body);
    } else if (line.mark == ">>" && line.text == "nothing") {
      turn.nothing = true;
    } else if (line.mark == ">>" && line.text.starts_with("to ")) {
      turn.received.emplace_back().to = line.text.substr(3);
      body = false;
    } else {
      expect(line.text, line.mark == "<" ? turn.answered : turn.received, body);
    }
  }

  // In a body, \r\n as it is written here is the end of a line.
  static std::string unescaped(std::string text) {
    for (std::size_t at = 0; (at = text.find("\\r\\n", at)) != std::string::npos; at += 2) {
      text.replace(at, 4, "\r\n");
    }
    return text;
  }

  // Heads end in an empty line; what follows it is a body, whose lines have no end of their own.
  static void append(const std::string& text, std::string& out, bool& body) {
    if (body && text.starts_with("HTTP/1.")) body = false;  // after an interim answer
    out += body ? unescaped(text) : text + "\r\n";
    if (text.empty()) body = true;
  }

  void expect(const std::string& text, std::vector<Expectation>& out, bool& body) const {
    const bool start = text.starts_with("HTTP/1.") || text.ends_with(" HTTP/1.1");
    if (start) {
      if (out.empty() || !out.back().start.empty()) out.emplace_back();
      out.back().start = text;
      body = false;
    } else if (out.empty()) {
      fail("a message begins with its start line");
    } else if (body) {
      out.back().body += text;
    } else if (text.empty()) {
      body = out.back().has_body = true;
    } else if (text.front() == '-') {
      out.back().fields.emplace_back(text, "");
    } else {
      const std::size_t colon = text.find(':');
      if (colon == std::string::npos) fail("a field is NAME: VALUE, or -NAME");
      const std::size_t value = text.find_first_not_of(' ', colon + 1);
      out.back().fields.emplace_back(text.substr(0, colon),
                                     value == std::string::npos ? "" : text.substr(value));
    }
  }

  std::string path_;
  std::ifstream in_;
  int number_ = 0;
  std::vector<Section> sections_;
};

// Complete messages: an end of the head, and the length of an answer's body.
void complete(Turn& turn) {
  if (turn.request.find("\r\n\r\n") == std::string::npos) turn.request += "\r\n";
  if (turn.answer.empty()) return;
  const std::size_t head = turn.answer.rfind("HTTP/1.");
  std::size_t end = turn.answer.find("\r\n\r\n", head);
  if (end == std::string::npos) {
    end = turn.answer.size() - 2;
    turn.answer += "\r\n";
  }
  const std::string_view fields = std::string_view(turn.answer).substr(head, end - head);
  const bool framed = fields.find("Content-Length") != std::string_view::npos ||
                      fields.find("Transfer-Encoding") != std::string_view::npos ||
                      fields.find(" 204") != std::string_view::npos ||
                      fields.find(" 304") != std::string_view::npos;
  if (framed) return;
  const std::size_t size = turn.answer.size() - end - 4;
  turn.answer.insert(end, "\r\nContent-Length: " + std::to_string(size));
}

}  // namespace

std::vector<Section> read_case_file(const std::filesystem::path& path) {
  std::vector<Section> sections = Reader(path).read();
  for (Section& section : sections) {
    for (Turn& turn : section.turns) complete(turn);
  }
  return sections;
}

}  // namespace sluice::table
