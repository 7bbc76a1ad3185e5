// SPDX-License-Identifier: Apache-2.0
// TreeBuilder: turns the YAML library's events into Nodes within fixed bounds. Called by
// manifest/yaml only. Thread: any. Invariants: once problem() is set, further events cost nothing
// and change nothing.
#pragma once
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/config/manifest/problem.hpp"

namespace sluice::config {

// Depth: Kubernetes objects nest about 20 levels, schema definitions about 60. Nodes: 16 MiB of
// kubectl output has about 600,000. A node costs about 140 bytes.
inline constexpr std::size_t kMaxDepth = 128;
inline constexpr std::size_t kMaxNodes = 1'000'000;
inline constexpr std::size_t kMaxScalarBytes = 64u << 20;

// What one file may still use; shared by its documents.
struct TreeBudget {
  std::size_t nodes = kMaxNodes;
  std::size_t bytes = kMaxScalarBytes;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  // `line_offset` is added to every line number; none is above `last_line`. `budget` outlives the builder.
  TreeBuilder(int line_offset, int last_line, TreeBudget& budget)
      : line_offset_(line_offset), last_line_(last_line), budget_(budget) {}

  [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }
  // Where the document began.
  [[nodiscard]] Mark start() const { return start_; }
  [[nodiscard]] Node take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = at(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { end_container(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { end_container(); }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    bool merge = false;  // the pending key is a plain <<
    std::string key;
    Mark key_mark;
    std::vector<Node> merges;
    TreeBudget before;  // to give back what a dropped member used
  };
  struct Size {
    std::size_t nodes = 0;
    std::size_t bytes = 0;
    std::size_t depth = 1;
  };

  [[nodiscard]] Mark at(const YAML::Mark& mark) const;
  void fail(Mark mark, std::string code, std::string message, std::string hint);
  void fail_depth(Mark mark);
  [[nodiscard]] bool spend(Size size, Mark mark);
  void start_container(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor);
  void end_container();
  void finish(Node node, YAML::anchor_t anchor);
  void add(Node node);
  void set_key(Frame& frame, const Node& node);
  [[nodiscard]] bool apply_merges(Frame& frame);
  [[nodiscard]] bool check_duplicates(const Node& map);
  static Size size_of(const Node& node);

  int line_offset_;
  int last_line_;
  TreeBudget& budget_;
  Mark start_;
  std::optional<Problem> problem_;
  std::vector<Frame> stack_;
  std::unordered_map<YAML::anchor_t, Node> anchors_;
  Node root_;
};

}  // namespace sluice::config
