// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal_kernel.hpp"

// Sessions and events of the core's DMA engine.

namespace pto::comm {

enum class DmaEngine : std::uint8_t { SDMA, URMA, RDMA };

namespace sdma {

inline constexpr std::uint64_t kDefaultSdmaBlockBytes = 1024 * 1024;
inline constexpr std::uint32_t kAutoChannelGroupIdx = ~std::uint32_t{0};

// How an engine cuts transfers up and into which of its queues they go: neither changes what is
// moved, and the simulated engine has one queue.
struct SdmaBaseConfig {
  std::uint64_t block_bytes = kDefaultSdmaBlockBytes;
  std::uint64_t comm_block_offset = 0;
  std::uint32_t queue_num = 1;
};

}  // namespace sdma

// The transfers of a kernel that are waited for together.
struct AsyncSession {
  DmaEngine engine = DmaEngine::SDMA;
  bool valid = false;  // made by BuildAsyncSession

  // The handles of the latest transfers: the one whose place is taken by the next is waited for.
  mutable std::uint64_t handles[peal::pto_abi::max_outstanding] = {};
  mutable std::uint64_t count = 0;
};

// One transfer; a handle of 0 is that of none.
struct AsyncEvent {
  std::uint64_t handle = 0;
  DmaEngine engine = DmaEngine::SDMA;

  constexpr AsyncEvent() = default;
  constexpr AsyncEvent(std::uint64_t number, DmaEngine by) : handle(number), engine(by) {}

  [[nodiscard]] constexpr bool valid() const { return handle != 0; }
  // Holds the scalar unit until this transfer and all before it are complete.
  bool Wait(const AsyncSession&, peal::pto_abi::Place place = peal::kernel_side::here()) const {
    if (valid()) peal::kernel_side::host->wait_transfers(handle, place);
    return true;
  }
  // Whether they are complete now.
  bool Test(const AsyncSession&, peal::pto_abi::Place place = peal::kernel_side::here()) const {
    return !valid() || peal::kernel_side::host->test_transfers(handle, place) != 0;
  }
};

}  // namespace pto::comm
