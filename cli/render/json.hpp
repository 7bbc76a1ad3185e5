// SPDX-License-Identifier: Apache-2.0
// A reply as JSON: protobuf's mapping with the names of control.proto, every field printed also
// when it has its default, so that a script never has to ask whether a key exists. 64-bit numbers
// are strings there (they do not fit a double). Thread: any.
#pragma once
#include <google/protobuf/message.h>

#include <string>

#include "agent/base/error.hpp"

namespace sluice::cli {

[[nodiscard]] Result<std::string> to_json(const google::protobuf::Message& message);
// On one line, with its LF.
[[nodiscard]] Result<std::string> to_json_line(const google::protobuf::Message& message);

}  // namespace sluice::cli
