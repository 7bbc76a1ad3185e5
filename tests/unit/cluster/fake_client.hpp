// SPDX-License-Identifier: Apache-2.0
// An API server that answers when the test says so.
#pragma once
#include <deque>

#include "agent/config/source/kube_client.hpp"

namespace sluice::cluster {

class FakeClient final : public config::KubeClient {
 public:
  struct Asked {
    Request request;
    OnData on_data;
    OnEnd on_end;
  };

  void send(const Request& request, OnData on_data, OnEnd on_end) override {
    asked.push_back({request, std::move(on_data), std::move(on_end)});
  }
  void poll(Milliseconds) override {}
  void wake() override {}

  // Of the request that waits longest.
  void answer(long status, const std::string& text, const std::string& error = {}) {
    Asked first = std::move(asked.front());
    asked.pop_front();
    if (status / 100 == 2) static_cast<void>(first.on_data(text));
    first.on_end({status, error, Milliseconds(0)});
  }

  std::deque<Asked> asked;
};

}  // namespace sluice::cluster
