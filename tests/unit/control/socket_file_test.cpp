// SPDX-License-Identifier: Apache-2.0
#include "agent/control/socket_file.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>

#include "agent/base/unique_fd.hpp"
#include "temp_folder.hpp"

namespace sluice::control {
namespace {

using test::TempFolder;

UniqueFd bound_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return fd;
}

TEST(SocketFile, MakesMissingFolders) {
  const TempFolder folder;
  EXPECT_TRUE(claim_socket_path(folder.file("a/b/agent.sock")));
  EXPECT_TRUE(std::filesystem::is_directory(folder.file("a/b")));
}

TEST(SocketFile, RemovesTheSocketOfADeadAgent) {
  const TempFolder folder;
  bound_socket(folder.file("s"));  // closed at once: the file stays
  ASSERT_TRUE(std::filesystem::exists(folder.file("s")));
  EXPECT_TRUE(claim_socket_path(folder.file("s")));
  EXPECT_FALSE(std::filesystem::exists(folder.file("s")));
}

TEST(SocketFile, LeavesALiveSocketAloneAndNamesIt) {
  const TempFolder folder;
  const UniqueFd live = bound_socket(folder.file("s"));
  ASSERT_EQ(::listen(live.get(), 1), 0);
  const auto claimed = claim_socket_path(folder.file("s"));
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(claimed.error().message.find(folder.file("s")), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder.file("s")));
}

TEST(SocketFile, NeverRemovesWhatIsNotASocket) {
  const TempFolder folder;
  std::ofstream(folder.file("s")) << "precious";
  EXPECT_FALSE(claim_socket_path(folder.file("s")));
  std::filesystem::create_symlink(folder.file("s"), folder.file("link"));
  EXPECT_FALSE(claim_socket_path(folder.file("link")));
  EXPECT_TRUE(std::filesystem::exists(folder.file("s")));
}

TEST(SocketFile, RefusesPathsThatNoSocketCanHave) {
  EXPECT_FALSE(claim_socket_path(""));
  EXPECT_FALSE(claim_socket_path("/tmp/" + std::string(200, 'x')));
  EXPECT_FALSE(claim_socket_path(std::string("/tmp/a\0b", 8)));
}

TEST(SocketFile, UriKeepsOddPaths) {
  EXPECT_EQ(unix_uri("/run/a b%?#.sock"), "unix:/run/a%20b%25%3F%23.sock");
}

}  // namespace
}  // namespace sluice::control
