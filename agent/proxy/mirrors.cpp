// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/mirrors.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "agent/base/log.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/context.hpp"
#include "agent/proxy/downstream.hpp"
#include "agent/proxy/endpoint_pool.hpp"
#include "agent/proxy/exchange.hpp"

namespace sluice::proxy {

using Kind = MessageEvent::Kind;

class Mirrors::Copy final : private ExchangeUser {
 public:
  Copy(Mirrors& mirrors, Downstream& client, std::string_view body, EndpointPool& pool)
      : mirrors_(mirrors),
        context_(mirrors.context_),
        pool_(pool.shared_from_this()),
        in_flight_(pool.record().begin_request()),
        peer_(client.peer()),
        local_(client.local()),
        head_(client.head()),
        body_(body),
        limit_(context_.reactor, [this] { fail("no answer in time"); }) {
    head_.headers.remove("Expect");  // its body is here
    head_.headers.set("X-Sluice-Mirror", "1");
    if (head_.body != http::BodyKind::kNone) {
      head_.body = http::BodyKind::kLength;
      head_.content_length = body_.size();
    }
    limit_.arm(kLimit);
  }

  // False: it failed at once, and is to be removed by the caller.
  [[nodiscard]] bool begin(bool kept_will_do) {
    std::unique_ptr<Upstream> upstream = kept_will_do ? pool_->take(false) : nullptr;
    if (upstream == nullptr) {
      auto connected = pool_->connect(false, 0);
      if (!connected) {
        // Out of connections for copies is not the endpoint's doing.
        reported_ = connected.error().code == ErrorCode::kExhausted;
        report(health::Outcome::kLocalFailure);
        return false;
      }
      upstream = std::move(*connected);
    }
    if (upstream->announce(peer_, local_)) head_.isolate = true;
    exchange_ = context_.make_exchange(std::move(upstream));
    exchange_->use(*this);
    exchange_->write_head(head_);
    if (!body_.empty()) exchange_->write_body(body_);
    exchange_->write_end(nullptr);
    exchange_->flush();
    return exchange_->watch();
  }

 private:
  void on_exchange() override {
    exchange_->push();
    for (;;) {
      const MessageEvent event = exchange_->next();
      switch (event.kind) {
        case Kind::kHead:
          if (exchange_->head().status >= 200) report(health::outcome_of(exchange_->head().status));
          continue;
        case Kind::kMore:
          continue;
        case Kind::kData:
          answer_bytes_ += event.data.size();
          if (answer_bytes_ <= kMaxAnswer) continue;
          fail("the answer is too large");
          return;
        case Kind::kNone:
          if (!exchange_->watch()) fail("the reactor refuses");
          return;
        case Kind::kEnd:
          exchange_->finish();
          ++context_.report.mirrors_answered;
          mirrors_.remove(*this);
          return;
        case Kind::kInvalid:
          report(health::Outcome::kGatewayError);
          fail("the answer is not valid");
          return;
        case Kind::kClosed:
          closed();
          return;
      }
    }
  }

  void closed() {
    // A kept connection may have been closed while the request was on its way.
    const bool again = exchange_->reused() && !exchange_->response_began();
    exchange_.reset();
    if (!again || !begin(false)) fail("the endpoint closed");
  }

  // How the endpoint did, once: by the head of its answer, or by its having given none.
  void report(health::Outcome outcome) {
    if (std::exchange(reported_, true)) return;
    const auto& policy = pool_->policy().outlier_detection;
    if (policy) pool_->record().report(outcome, *policy, context_.reactor.now());
  }

  void fail(const char* why) {
    report(health::Outcome::kLocalFailure);
    log::debug("proxy", "mirror to {}: {}", to_string(pool_->address()), why);
    ++context_.report.mirrors_failed;
    if (exchange_) exchange_->reset_on_close();
    mirrors_.remove(*this);
  }

  Mirrors& mirrors_;
  Context& context_;
  std::shared_ptr<EndpointPool> pool_;
  health::Token in_flight_;
  SocketAddress peer_;
  SocketAddress local_;
  http::RequestHead head_;
  std::string body_;
  std::size_t answer_bytes_ = 0;
  bool reported_ = false;
  net::Timer limit_;
  ExchangePtr exchange_;
};

Mirrors::Mirrors(Context& context) : context_(context) {}
Mirrors::~Mirrors() = default;

void Mirrors::send(Downstream& client, std::string_view body, EndpointPool& pool) {
  if (copies_.size() >= kMaxInFlight || pool.full() || context_.draining) {
    ++context_.report.mirrors_dropped;
    return;
  }
  ++context_.report.mirrors_sent;
  auto copy = std::make_unique<Copy>(*this, client, body, pool);
  if (copy->begin(true)) {
    copies_.push_back(std::move(copy));
  } else {
    ++context_.report.mirrors_failed;
  }
}

void Mirrors::remove(Copy& copy) {
  std::erase_if(copies_, [&copy](const auto& each) { return each.get() == &copy; });
}

void Mirrors::clear() { copies_.clear(); }

}  // namespace sluice::proxy
