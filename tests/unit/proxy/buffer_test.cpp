// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace sluice::proxy {
namespace {

TEST(Buffer, KeepsOrderThroughAppendsAndConsumes) {
  std::mt19937 random(3);
  std::uint64_t gauge = 0;
  Buffer buffer(gauge);
  std::string model;
  for (int i = 0; i < 5000; ++i) {
    if (random() % 2 == 0) {
      const std::string piece(random() % 300, static_cast<char>('a' + i % 26));
      buffer.append(piece);
      model += piece;
    } else {
      const std::size_t size = std::min<std::size_t>(random() % 400, model.size());
      buffer.consume(size);
      model.erase(0, size);
    }
    ASSERT_EQ(buffer.view(), model);
  }
}

TEST(Buffer, MemoryIsCountedAndReturned) {
  std::uint64_t gauge = 0;
  {
    Buffer buffer(gauge);
    EXPECT_EQ(gauge, 0U);
    buffer.append("x");
    EXPECT_GT(gauge, 0U);
    const std::uint64_t small = gauge;
    buffer.append(std::string(100'000, 'y'));
    EXPECT_GE(gauge, 100'001U);
    buffer.release();
    EXPECT_EQ(gauge, 0U);
    buffer.append("z");
    EXPECT_EQ(gauge, small);
  }
  EXPECT_EQ(gauge, 0U);
}

TEST(Buffer, ConsumedSpaceIsUsedAgain) {
  std::uint64_t gauge = 0;
  Buffer buffer(gauge);
  buffer.append("x");
  for (int i = 0; i < 10'000; ++i) {
    buffer.append("0123456789");
    buffer.consume(10);
  }
  EXPECT_EQ(buffer.size(), 1U);
  EXPECT_LE(gauge, 4096U);
}

}  // namespace
}  // namespace sluice::proxy
