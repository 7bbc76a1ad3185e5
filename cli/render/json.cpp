// SPDX-License-Identifier: Apache-2.0
#include "cli/render/json.hpp"

#include <google/protobuf/util/json_util.h>

namespace sluice::cli {

namespace {

Result<std::string> print(const google::protobuf::Message& message, bool whitespace) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = whitespace;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string out;
  const auto status = google::protobuf::util::MessageToJsonString(message, &out, options);
  if (!status.ok()) {
    return fail(ErrorCode::kInvalid,
                "cannot print the agent's reply as JSON: " + status.ToString());
  }
  return out;
}

}  // namespace

Result<std::string> to_json(const google::protobuf::Message& message) {
  return print(message, true);
}

Result<std::string> to_json_line(const google::protobuf::Message& message) {
  auto out = print(message, false);
  if (out) *out += '\n';
  return out;
}

}  // namespace sluice::cli
