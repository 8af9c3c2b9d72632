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

// How an engine splits transfers and which of its queues it uses. The simulated engine ignores
// this: it has one queue, and neither setting changes what is copied.
struct SdmaBaseConfig {
  std::uint64_t block_bytes = kDefaultSdmaBlockBytes;
  std::uint64_t comm_block_offset = 0;
  std::uint32_t queue_num = 1;
};

}  // namespace sdma

// A kernel's session with an engine, which keeps track of its outstanding transfers.
struct AsyncSession {
  DmaEngine engine = DmaEngine::SDMA;
  bool valid = false;  // made by BuildAsyncSession

  // A ring of the latest transfers' handles. Before a slot is reused, its transfer is waited for.
  mutable std::uint64_t handles[peal::pto_abi::max_outstanding] = {};
  mutable std::uint64_t count = 0;
};

// One transfer; handle 0 if none was issued.
struct AsyncEvent {
  std::uint64_t handle = 0;
  DmaEngine engine = DmaEngine::SDMA;

  constexpr AsyncEvent() = default;
  constexpr AsyncEvent(std::uint64_t number, DmaEngine by) : handle(number), engine(by) {}

  [[nodiscard]] constexpr bool valid() const { return handle != 0; }
  // Blocks the scalar unit until this transfer and all before it are complete.
  bool Wait(const AsyncSession&, peal::pto_abi::Place place = peal::kernel_side::here()) const {
    if (valid()) peal::kernel_side::host->wait_transfers(handle, place);
    return true;
  }
  // True if they are complete now.
  bool Test(const AsyncSession&, peal::pto_abi::Place place = peal::kernel_side::here()) const {
    return !valid() || peal::kernel_side::host->test_transfers(handle, place) != 0;
  }
};

}  // namespace pto::comm
