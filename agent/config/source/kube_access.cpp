// SPDX-License-Identifier: Apache-2.0
#include "agent/config/source/kube_access.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/config/manifest/yaml.hpp"
#include "agent/config/translate/base64.hpp"

namespace sluice::config {
namespace {

constexpr std::uintmax_t kLargestFile = 1u << 20;

Result<std::string> read_small(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return fail(ErrorCode::kNotFound, fmt::format("{}: {}", path, error.message()));
  if (size > kLargestFile) return fail(ErrorCode::kInvalid, path + ": larger than 1 MiB");
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return fail(ErrorCode::kNotFound, path + ": cannot be read");
  return std::move(text).str();
}

const Node* child(const Node* node, std::string_view key) {
  if (node == nullptr || !node->is_map()) return nullptr;
  const Member* member = node->find(key);
  return member == nullptr || member->value.is_null() ? nullptr : &member->value;
}

std::string word(const Node* node, std::string_view key) {
  const Node* value = child(node, key);
  return value != nullptr && value->kind == Node::Kind::kScalar ? value->scalar : std::string();
}

// clusters, users and contexts are lists of {name, <singular>: {...}}.
const Node* named(const Node& root, std::string_view list, std::string_view singular,
                  std::string_view name) {
  const Node* all = child(&root, list);
  if (all == nullptr || !all->is_list()) return nullptr;
  for (const Node& item : all->items) {
    if (word(&item, "name") == name) return child(&item, singular);
  }
  return nullptr;
}

struct Reader {
  std::string path;
  std::string directory;

  [[nodiscard]] tl::unexpected<Error> bad(const std::string& what) const {
    return fail(ErrorCode::kInvalid, path + ": " + what);
  }
  // KEY-data as base64, or KEY as a path relative to the kubeconfig.
  Result<std::string> material(const Node* node, const std::string& key) const {
    if (const std::string data = word(node, key + "-data"); !data.empty()) {
      auto text = decode_base64(data);
      if (!text) return bad(key + "-data is not base64");
      return std::move(*text);
    }
    const std::string file = word(node, key);
    if (file.empty()) return std::string();
    return read_small(absolute(file));
  }
  [[nodiscard]] std::string absolute(const std::string& file) const {
    return file.starts_with('/') ? file : directory + "/" + file;
  }
};

Result<void> read_cluster(const Reader& reader, const Node* cluster, KubeAccess& out) {
  out.server = word(cluster, "server");
  while (out.server.ends_with('/')) out.server.pop_back();
  if (!out.server.starts_with("https://") && !out.server.starts_with("http://")) {
    return reader.bad(fmt::format("the cluster's server `{}` is no https:// address", out.server));
  }
  if (!word(cluster, "proxy-url").empty()) {
    return reader.bad("proxy-url is not supported; use an address that can be reached directly");
  }
  out.server_name = word(cluster, "tls-server-name");
  out.insecure = word(cluster, "insecure-skip-tls-verify") == "true";
  auto authority = reader.material(cluster, "certificate-authority");
  if (!authority) return tl::unexpected(authority.error());
  out.authority = std::move(*authority);
  return {};
}

Result<void> read_user(const Reader& reader, const Node* user, KubeAccess& out) {
  for (const char* program : {"exec", "auth-provider"}) {
    if (child(user, program) == nullptr) continue;
    return reader.bad(
        fmt::format("the user logs in by a program (`{}`), which an agent cannot run; give it a "
                    "ServiceAccount's token instead",
                    program));
  }
  if (!word(user, "username").empty()) {
    return reader.bad("the user logs in by a password, which API servers no longer take");
  }
  auto certificate = reader.material(user, "client-certificate");
  if (!certificate) return tl::unexpected(certificate.error());
  auto key = reader.material(user, "client-key");
  if (!key) return tl::unexpected(key.error());
  if (certificate->empty() != key->empty()) {
    return reader.bad("client-certificate and client-key belong together, one is missing");
  }
  out.certificate = std::move(*certificate);
  out.key = std::move(*key);
  out.token = word(user, "token");
  if (const std::string file = word(user, "tokenFile"); !file.empty()) {
    out.token_file = reader.absolute(file);
  }
  return {};
}

}  // namespace

Result<KubeAccess> in_cluster_access(const Environment& environment, const std::string& directory) {
  const char* const host = environment("KUBERNETES_SERVICE_HOST");
  const char* const port = environment("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr || *host == 0 || *port == 0) {
    return fail(ErrorCode::kNotFound,
                "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; "
                "name a kubeconfig with --kubeconfig FILE");
  }
  KubeAccess out;
  out.origin = "in-cluster";
  const std::string name(host);
  out.server = name.find(':') == name.npos ? fmt::format("https://{}:{}", name, port)
                                           : fmt::format("https://[{}]:{}", name, port);
  auto authority = read_small(directory + "/ca.crt");
  if (!authority) return tl::unexpected(authority.error());
  out.authority = std::move(*authority);
  out.token_file = directory + "/token";
  if (auto token = read_small(out.token_file); !token) {
    return fail(ErrorCode::kNotFound,
                token.error().message +
                    "; the pod needs a ServiceAccount (automountServiceAccountToken: true)");
  }
  return out;
}

Result<KubeAccess> kubeconfig_access(const std::string& path, const std::string& context) {
  auto text = read_small(path);
  if (!text) return tl::unexpected(text.error());
  const ParsedYaml parsed = parse_yaml(*text);
  if (!parsed.problems.empty()) {
    const Problem& problem = parsed.problems.front();
    return fail(ErrorCode::kInvalid, fmt::format("{}:{}:{}: {}", path, problem.mark.line,
                                                 problem.mark.column, problem.message));
  }
  const Reader reader{path, std::filesystem::path(path).parent_path().string()};
  if (parsed.documents.size() != 1 || word(&parsed.documents[0], "kind") != "Config") {
    return reader.bad("no kubeconfig: it has to be one document of `kind: Config`");
  }
  const Node& root = parsed.documents[0];
  const std::string name = context.empty() ? word(&root, "current-context") : context;
  const Node* const chosen = named(root, "contexts", "context", name);
  if (chosen == nullptr) return reader.bad(fmt::format("there is no context `{}`", name));
  const Node* const cluster = named(root, "clusters", "cluster", word(chosen, "cluster"));
  if (cluster == nullptr) {
    return reader.bad(fmt::format("there is no cluster `{}`", word(chosen, "cluster")));
  }
  KubeAccess out;
  out.origin = path;
  if (auto done = read_cluster(reader, cluster, out); !done) return tl::unexpected(done.error());
  const Node* const user = named(root, "users", "user", word(chosen, "user"));
  if (user == nullptr && !word(chosen, "user").empty()) {
    return reader.bad(fmt::format("there is no user `{}`", word(chosen, "user")));
  }
  if (auto done = read_user(reader, user, out); !done) return tl::unexpected(done.error());
  return out;
}

}  // namespace sluice::config
