// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bench/peers/operation.h"
#include "bench/peers/protocol.h"

namespace peal::peers {

// The call that a batch repeats. The lengths of `send` and `recv` are those of the operation; in a
// broadcast both are the same buffer.
struct Call {
  Operation operation{};
  std::uint32_t variant = 0;
  std::size_t count = 0;
  std::span<float> send, recv;
};

struct Buffers {
  std::span<float> send, recv;
};

// One rank's interface to a library under measurement.
class Library {
 public:
  virtual ~Library() = default;

  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int ranks() const = 0;

  // Allocates the buffers. The set shares `file`, in which the library may use everything from
  // offset Rendezvous::size_bytes on.
  virtual void prepare(const Setup& setup, int file) = 0;
  [[nodiscard]] virtual Buffers buffers(std::uint32_t variant) = 0;
  // Returns the pages of the buffers to the system, if the library allows it.
  virtual void release(std::uint32_t variant) = 0;

  // Prepares the calls of a batch, which all use the same buffers; not timed.
  virtual void bind(const Call& call) = 0;
  // Makes one call.
  virtual void run() = 0;

  // True if a rank's output is complete when its call returns.
  [[nodiscard]] virtual bool synchronises() const { return true; }
};

// Connects to the driver and carries out its commands up to Action::quit. Returns the exit code.
// The process ends at once if the driver or the rank's parent does.
[[nodiscard]] int serve(Library& library, const std::string& socket_path, std::uint32_t set);

}  // namespace peal::peers
