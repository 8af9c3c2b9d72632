// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace peal::peers {

// A collective that all libraries have.
enum class Operation : std::uint32_t {
  all_reduce,
  all_gather,
  all_to_all,
  reduce_scatter,
  broadcast
};

inline constexpr std::array operation_names{"all_reduce", "all_gather", "all_to_all",
                                            "reduce_scatter", "broadcast"};

constexpr const char* name_of(Operation operation) {
  return operation_names[static_cast<std::size_t>(operation)];
}

// touched: ranks rewrite their input before each call and read their output after it. untouched:
// calls follow one another on the same data.
enum class Regime : std::uint32_t { touched, untouched };

inline constexpr std::array regime_names{"touched", "untouched"};

constexpr const char* name_of(Regime regime) {
  return regime_names[static_cast<std::size_t>(regime)];
}

// The numbers of blocks of `count` elements in a rank's send and recv. In a broadcast each rank has
// one buffer, the root's being the input, because MPI's broadcast has only one.
struct Blocks {
  std::size_t send = 1, recv = 1;
};

constexpr Blocks blocks_of(Operation operation, int ranks) {
  const auto all = static_cast<std::size_t>(ranks);
  switch (operation) {
    case Operation::all_gather:
      return {.send = 1, .recv = all};
    case Operation::all_to_all:
      return {.send = all, .recv = all};
    case Operation::reduce_scatter:
      return {.send = all, .recv = 1};
    case Operation::all_reduce:
    case Operation::broadcast:
      break;
  }
  return {};
}

constexpr int broadcast_root = 0;

}  // namespace peal::peers
