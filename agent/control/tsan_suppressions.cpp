// SPDX-License-Identifier: Apache-2.0
// What ThreadSanitizer cannot judge: gRPC, Abseil and protobuf come built without it, so that it does not see how they
// synchronise and reports what they do inside, and what they hand from one of their threads to another. Compiled in
// by the tsan preset only, into whatever links the protocol. Calls of AgentApi stay checked: their own locks are
// visible.
extern "C" const char* __tsan_default_suppressions();  // NOLINT: the name is the sanitizer's
extern "C" const char* __tsan_default_suppressions() {
  return "race:libgrpc\n"
         "race:libgpr\n"
         "race:libabsl\n"
         "race:libprotobuf\n"
         // The loader lends gRPC libspdlog's copy of std::shared_ptr's release, so that gRPC's deletes seem spdlog's.
         "race:libspdlog\n"
         "race:grpc::internal::CallOp\n"
         "race:grpc::CompletionQueue\n"
         // Threads of gRPC's own that it leaves to end by themselves.
         "thread:libgpr\n";
}
