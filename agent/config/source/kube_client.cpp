// SPDX-License-Identifier: Apache-2.0
#include "agent/config/source/kube_client.hpp"

#include <curl/curl.h>
#include <fmt/core.h>

#include <fstream>
#include <iterator>
#include <unordered_map>

#include "agent/config/manifest/api_json.hpp"

namespace sluice::config {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kKeepAliveSeconds = 30;
constexpr std::size_t kLongestMessage = 64 * 1024;
constexpr std::size_t kLongestToken = 64 * 1024;
constexpr char kAccept[] = "Accept: application/json";

bool succeeded(long status) { return status / 100 == 2; }

struct EndEasy {
  void operator()(CURL* easy) const { ::curl_easy_cleanup(easy); }
};
struct EndMulti {
  void operator()(CURLM* multi) const { ::curl_multi_cleanup(multi); }
};
struct EndList {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};

struct Transfer {
  std::unique_ptr<CURL, EndEasy> easy;
  std::unique_ptr<curl_slist, EndList> headers;
  std::unique_ptr<curl_slist, EndList> connect_to;
  KubeClient::OnData on_data;
  KubeClient::OnEnd on_end;
  std::string message;  // of an answer that is not 2xx
  char error[CURL_ERROR_SIZE] = {};
  bool refused = false;  // on_data wants no more
};

std::size_t on_bytes(char* data, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  long status = 0;
  ::curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (!succeeded(status)) {
    const std::size_t room = kLongestMessage - std::min(kLongestMessage, transfer.message.size());
    transfer.message.append(data, std::min(size, room));
    return size;
  }
  if (transfer.on_data({data, size})) return size;
  transfer.refused = true;
  return size == 0 ? 1 : 0;  // anything else than `size` ends the transfer
}

class CurlClient final : public KubeClient {
 public:
  CurlClient(KubeAccess access, CURLM* multi) : access_(std::move(access)), multi_(multi) {
    ::curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  }
  ~CurlClient() override {
    for (auto& [easy, transfer] : transfers_) ::curl_multi_remove_handle(multi_.get(), easy);
  }

  void send(const Request& request, OnData on_data, OnEnd on_end) override;
  void poll(Milliseconds limit) override;
  void wake() override { ::curl_multi_wakeup(multi_.get()); }

 private:
  void set_up(Transfer& transfer, const Request& request);
  void set_login(Transfer& transfer);
  void finish(CURL* easy, CURLcode code);
  [[nodiscard]] std::string token() const;

  KubeAccess access_;
  std::unique_ptr<CURLM, EndMulti> multi_;
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> transfers_;
};

std::string CurlClient::token() const {
  if (access_.token_file.empty()) return access_.token;
  std::ifstream file(access_.token_file, std::ios::binary);
  std::string text(kLongestToken, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  // The rest would be taken for another header.
  text.resize(std::min(text.size(), text.find_first_of(" \t\r\n")));
  return text;
}

void set_blob(CURL* easy, CURLoption option, std::string& text) {
  curl_blob blob{text.data(), text.size(), CURL_BLOB_COPY};
  ::curl_easy_setopt(easy, option, &blob);
}

void CurlClient::set_login(Transfer& transfer) {
  CURL* const easy = transfer.easy.get();
  if (access_.insecure) {
    ::curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    ::curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!access_.authority.empty()) {
    // Only that one: the system's authorities have no say about a cluster.
    ::curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    set_blob(easy, CURLOPT_CAINFO_BLOB, access_.authority);
  }
  if (!access_.certificate.empty()) {
    set_blob(easy, CURLOPT_SSLCERT_BLOB, access_.certificate);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, access_.key);
  }
  if (const std::string login = token(); !login.empty()) {
    transfer.headers.reset(::curl_slist_append(transfer.headers.release(),
                                               ("Authorization: Bearer " + login).c_str()));
  }
}

void CurlClient::set_up(Transfer& transfer, const Request& request) {
  CURL* const easy = transfer.easy.get();
  std::string url = access_.server + request.path;
  if (!access_.server_name.empty()) {
    // The certificate names another host than the one to connect to.
    const auto begin = access_.server.find("://") + 3;
    const std::string host = access_.server.substr(begin);
    const bool has_port = host.rfind(':') != host.npos && !host.ends_with(']');
    const std::string port = has_port ? host.substr(host.rfind(':') + 1) : "443";
    url = fmt::format("{}{}:{}{}", access_.server.substr(0, begin), access_.server_name, port,
                      request.path);
    const std::string target =
        fmt::format("{}:{}:{}", access_.server_name, port, has_port ? host : host + ":443");
    transfer.connect_to.reset(::curl_slist_append(nullptr, target.c_str()));
    ::curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer.connect_to.get());
  }
  ::curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(easy, CURLOPT_PROXY, "");  // of the environment: none
  // Not CURLOPT_PIPEWAIT: seen to leave a request waiting for a minute, for a connection that had gone.
  ::curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  ::curl_easy_setopt(easy, CURLOPT_TIMEOUT, static_cast<long>(request.limit.count()));
  ::curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  ::curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, kKeepAliveSeconds);
  ::curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, kKeepAliveSeconds / 3);
  if (request.compressed) ::curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  ::curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluice-agent");
  ::curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error);
  ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_bytes);
  ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  transfer.headers.reset(::curl_slist_append(nullptr, kAccept));
  if (request.method != "GET") {
    ::curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
    ::curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request.body.c_str());
    const std::string type = "Content-Type: " + request.content_type;
    transfer.headers.reset(::curl_slist_append(transfer.headers.release(), type.c_str()));
  }
  set_login(transfer);
  ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
}

void CurlClient::send(const Request& request, OnData on_data, OnEnd on_end) {
  auto transfer = std::make_unique<Transfer>();
  transfer->easy.reset(::curl_easy_init());
  transfer->on_data = std::move(on_data);
  transfer->on_end = std::move(on_end);
  CURL* const easy = transfer->easy.get();
  if (easy == nullptr) {
    transfer->on_end({0, "out of memory", Milliseconds(0)});
    return;
  }
  set_up(*transfer, request);
  transfers_.emplace(easy, std::move(transfer));
  if (::curl_multi_add_handle(multi_.get(), easy) != CURLM_OK) finish(easy, CURLE_FAILED_INIT);
}

void CurlClient::finish(CURL* easy, CURLcode code) {
  const auto found = transfers_.find(easy);
  if (found == transfers_.end()) return;
  const std::unique_ptr<Transfer> transfer = std::move(found->second);
  transfers_.erase(found);
  KubeReply reply;
  ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply.status);
  curl_off_t after = 0;
  ::curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &after);
  // A server may be wrong about this; an hour without news is worse than asking once too often.
  reply.retry_after = std::chrono::seconds(std::clamp<curl_off_t>(after, 0, 300));
  if (code != CURLE_OK && !transfer->refused) {
    reply.error =
        fmt::format("{}: {}", access_.server,
                    transfer->error[0] != 0 ? transfer->error : ::curl_easy_strerror(code));
  } else if (!succeeded(reply.status)) {
    reply.error = read_api_message(transfer->message);
  }
  ::curl_multi_remove_handle(multi_.get(), easy);
  transfer->on_end(reply);
}

void CurlClient::poll(Milliseconds limit) {
  int running = 0;
  ::curl_multi_perform(multi_.get(), &running);
  int left = 0;
  bool ended = false;
  while (const CURLMsg* message = ::curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    ended = true;
    finish(message->easy_handle, message->data.result);
  }
  // Whoever was told may have something to ask now.
  if (!ended) {
    ::curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(std::max<long>(limit.count(), 0)),
                      nullptr);
  }
}

}  // namespace

Result<std::unique_ptr<KubeClient>> KubeClient::create(KubeAccess access) {
  static const CURLcode kStarted = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* const multi = kStarted == CURLE_OK ? ::curl_multi_init() : nullptr;
  if (multi == nullptr) return fail(ErrorCode::kSystem, "the HTTP client cannot be started");
  return std::make_unique<CurlClient>(std::move(access), multi);
}

}  // namespace sluice::config
