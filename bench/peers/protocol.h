// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/peers/operation.h"

namespace peal::peers {

// The protocol between the driver and a rank: plain structs as bytes over a local socket. Both
// sides are built from these sources and run on one host.

// A rank's first message.
struct Hello {
  std::uint32_t set = 0;  // index of its set of ranks
  std::int32_t rank = 0, ranks = 0;
};

// The driver's answer, together with a file descriptor of memory that the set shares.
struct Setup {
  double ns_per_tick = 0;
  std::uint64_t max_floats = 0;  // the largest size of a buffer
  std::uint32_t crowded = 0;     // 1 if there are more ranks than processors
};

enum class Action : std::uint32_t { measure, quit };

// A command: one batch of calls.
struct Command {
  Action action = Action::quit;
  Operation operation{};
  Regime regime{};
  std::uint32_t variant = 0;   // which of the library's variants
  std::uint64_t count = 0;     // elements of a block
  std::uint64_t calls = 0;     // the maximum number of timed calls
  std::uint64_t warm_up = 0;   // untimed calls before them
  std::uint64_t limit_ns = 0;  // no call starts later than this
  std::uint64_t seed = 0;      // for the values
  std::uint32_t release = 0;   // 1: release the buffers' pages afterwards
};

// A rank's reply; its times, in ns, follow as doubles.
struct Reply {
  std::uint64_t times = 0;  // how many
  std::uint64_t wrong = 0;  // number of wrong elements
  double line_before_ns = 0, line_after_ns = 0;
};

// A connected local socket. Functions throw std::runtime_error on failure.
class Channel {
 public:
  Channel() = default;
  explicit Channel(int socket) : socket_(socket) {}
  Channel(Channel&& other) noexcept;
  Channel& operator=(Channel&& other) noexcept;
  ~Channel();

  [[nodiscard]] static Channel connect(const std::string& path);

  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] bool open() const { return socket_ >= 0; }
  void close();

  void send(const void* data, std::size_t size_bytes) const;
  // Returns false if the other side has closed the connection.
  [[nodiscard]] bool receive(void* data, std::size_t size_bytes) const;

  void send_setup(const Setup& setup, int file) const;
  // Returns the file descriptor that came with the setup.
  [[nodiscard]] int receive_setup(Setup& setup) const;

 private:
  int socket_ = -1;
};

}  // namespace peal::peers
