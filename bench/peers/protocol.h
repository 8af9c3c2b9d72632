// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/peers/operation.h"

namespace peal::peers {

// What the driver and a rank say to each other over a local socket, as bytes: both are built from
// these sources and run on one host.

// The first words of a rank.
struct Hello {
  std::uint32_t set = 0;  // index of its set of ranks
  std::int32_t rank = 0, ranks = 0;
};

// The answer, which a file to be shared by the set comes with.
struct Setup {
  double ns_per_tick = 0;
  std::uint64_t max_floats = 0;  // of a buffer
  std::uint32_t crowded = 0;     // whether there are more ranks than processors
};

enum class Action : std::uint32_t { measure, quit };

// One batch of calls.
struct Command {
  Action action = Action::quit;
  Operation operation{};
  Regime regime{};
  std::uint32_t variant = 0;   // of the library's ways to do it
  std::uint64_t count = 0;     // elements of a block
  std::uint64_t calls = 0;     // that are timed, at most
  std::uint64_t warm_up = 0;   // calls before them
  std::uint64_t limit_ns = 0;  // no further call is begun after it
  std::uint64_t seed = 0;      // of the values
  std::uint32_t release = 0;   // whether to give the buffers' memory back afterwards
};

// Is followed by the times, in ns, as doubles.
struct Reply {
  std::uint64_t times = 0;
  std::uint64_t wrong = 0;  // elements
  double line_before_ns = 0, line_after_ns = 0;
};

// A connected local socket, and how to use one. Functions that fail throw std::runtime_error.
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
  // False when the other side is gone.
  [[nodiscard]] bool receive(void* data, std::size_t size_bytes) const;

  void send_setup(const Setup& setup, int file) const;
  // Returns the file.
  [[nodiscard]] int receive_setup(Setup& setup) const;

 private:
  int socket_ = -1;
};

}  // namespace peal::peers
