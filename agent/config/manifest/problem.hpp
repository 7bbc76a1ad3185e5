// SPDX-License-Identifier: Apache-2.0
// Problem: why a file or a document could not be read, before any object is known. Plain value.
// Thread: any.
#pragma once
#include <string>

#include "agent/config/manifest/node.hpp"

namespace sluice::config {

struct Problem {
  Mark mark;
  std::string code;     // stable snake_case
  std::string message;  // what is wrong
  std::string hint;     // what to write instead; may be empty
};

}  // namespace sluice::config
