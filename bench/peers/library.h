// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bench/peers/operation.h"
#include "bench/peers/protocol.h"

namespace peal::peers {

// What a batch calls again and again. `send` and `recv` are as long as the operation has them; in a
// broadcast they are the same.
struct Call {
  Operation operation{};
  std::uint32_t variant = 0;
  std::size_t count = 0;
  std::span<float> send, recv;
};

struct Buffers {
  std::span<float> send, recv;
};

// A library under measurement, as one rank has it.
class Library {
 public:
  virtual ~Library() = default;

  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int ranks() const = 0;

  // Makes its buffers; `file` is shared by the set, and free from Rendezvous::size_bytes on.
  virtual void prepare(const Setup& setup, int file) = 0;
  [[nodiscard]] virtual Buffers buffers(std::uint32_t variant) = 0;
  // Gives the buffers' memory back to the system, where that can be.
  virtual void release(std::uint32_t variant) = 0;

  // Everything that can be made before a batch: the same buffers are used in all of its calls.
  virtual void bind(const Call& call) = 0;
  virtual void run() = 0;

  // Whether a rank's output is complete when its call has returned.
  [[nodiscard]] virtual bool synchronises() const { return true; }
};

// Connects to the driver and does what it says until it says that this is the end. Returns the exit
// code. When the driver or the rank's parent ends, so does the process, at once.
[[nodiscard]] int serve(Library& library, const std::string& socket_path, std::uint32_t set);

}  // namespace peal::peers
