// SPDX-License-Identifier: Apache-2.0
// H1Exchange: an exchange that has an HTTP/1 connection for itself. Objects are used again, so that their parsers keep
// their memory.
// Callers: Context (makes), Stream, Upstream. Thread: worker. Invariants: has a connection between begin() and
// release(), until finish() gives it back to its pool.
#pragma once
#include <memory>
#include <string>

#include "agent/proxy/exchange.hpp"
#include "agent/proxy/h1_output.hpp"
#include "agent/proxy/upstream.hpp"

namespace sluice::proxy {

class H1Exchange final : public Exchange {
 public:
  explicit H1Exchange(Context& context);
  ~H1Exchange();
  H1Exchange(const H1Exchange&) = delete;
  H1Exchange& operator=(const H1Exchange&) = delete;

  void begin(std::unique_ptr<Upstream> upstream);
  void on_upstream() { user_->on_exchange(); }  // its connection has news

  void use(ExchangeUser& user) override { user_ = &user; }
  void write_head(const http::RequestHead& head) override;
  void write_body(std::string_view data) override { output_.body(request_body_, data); }
  void write_end(const http::HeaderMap* trailers) override;
  void flush() override { output_.flush(upstream_->channel()); }
  bool push() override { return upstream_->channel().flush(); }
  [[nodiscard]] bool can_write() const override;
  [[nodiscard]] bool has_output() const override { return upstream_->channel().has_output(); }
  [[nodiscard]] MessageEvent next() override;
  [[nodiscard]] http::ResponseHead& head() override { return parser_.head(); }
  [[nodiscard]] const http::H1Error& error() const override { return parser_.error(); }
  [[nodiscard]] bool connected() const override { return upstream_->known_connected(); }
  [[nodiscard]] bool reused() const override { return upstream_->reused(); }
  [[nodiscard]] bool response_began() const override { return upstream_->response_began(); }
  [[nodiscard]] bool untouched() const override { return upstream_->request_untouched(); }
  void finish() override;
  void reset_on_close() override { upstream_->reset_on_close(); }
  [[nodiscard]] Upstream* connection() override { return upstream_.get(); }
  [[nodiscard]] bool watch() override { return upstream_ == nullptr || upstream_->watch(); }
  void release() override;

 private:
  [[nodiscard]] bool read();
  void keep(bool starved = false);
  [[nodiscard]] MessageEvent closed();

  Context& context_;
  http::H1ResponseParser parser_;
  H1Output output_;
  std::unique_ptr<Upstream> upstream_;
  ExchangeUser* user_ = nullptr;
  std::string method_;
  std::string_view bytes_;    // the read in hand
  std::size_t consumed_ = 0;  // of it
  http::BodyKind request_body_ = http::BodyKind::kNone;
  bool reading_ = false;
  bool final_ = false;          // the head is not that of a 1xx
  bool isolated_ = false;       // the request forbids that the connection is used again
  bool request_ended_ = false;  // as far as it was written
  bool reusable_ = false;       // what the head says
};

}  // namespace sluice::proxy
