// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/protocol.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace peal::peers {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

// A message with room for one file descriptor (SCM_RIGHTS).
struct FileMessage {
  explicit FileMessage(Setup& setup) : part{&setup, sizeof setup} {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
  }
  iovec part;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
};

}  // namespace

Channel::Channel(Channel&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

Channel& Channel::operator=(Channel&& other) noexcept {
  close();
  socket_ = std::exchange(other.socket_, -1);
  return *this;
}

Channel::~Channel() { close(); }

void Channel::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

Channel Channel::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket: path too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Channel channel(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!channel.open()) fail("socket");
  if (::connect(channel.socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    fail("connect");
  }
  return channel;
}

void Channel::send(const void* data, std::size_t size_bytes) const {
  const char* rest = static_cast<const char*>(data);
  while (size_bytes > 0) {
    const ssize_t sent = ::send(socket_, rest, size_bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) fail("send");
    rest += sent;
    size_bytes -= static_cast<std::size_t>(sent);
  }
}

bool Channel::receive(void* data, std::size_t size_bytes) const {
  char* rest = static_cast<char*>(data);
  while (size_bytes > 0) {
    const ssize_t got = ::read(socket_, rest, size_bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    rest += got;
    size_bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

void Channel::send_setup(const Setup& setup, int file) const {
  Setup copy = setup;
  FileMessage out(copy);
  cmsghdr* const header = CMSG_FIRSTHDR(&out.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof file);
  std::memcpy(CMSG_DATA(header), &file, sizeof file);
  if (::sendmsg(socket_, &out.message, MSG_NOSIGNAL) != sizeof copy) fail("sendmsg");
}

int Channel::receive_setup(Setup& setup) const {
  FileMessage in(setup);
  ssize_t got = 0;
  while ((got = ::recvmsg(socket_, &in.message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  const cmsghdr* const header = CMSG_FIRSTHDR(&in.message);
  if (got != sizeof setup || header == nullptr) fail("recvmsg");
  int file = -1;
  std::memcpy(&file, CMSG_DATA(header), sizeof file);
  return file;
}

}  // namespace peal::peers
