// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/transfer/vector_copy.h"

#include <atomic>
#include <cstdint>
#include <cstring>

// Highway compiles this file once for each vector instruction set, and chooses one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "peal/executors/shm/transfer/vector_copy.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace peal::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Bytes = hn::ScalableTag<std::uint8_t>;

// Copies four vectors: all loads precede all stores.
template <bool streaming>
void copy_group(Bytes d, std::uint8_t* dst, const std::uint8_t* src) {
  const std::size_t lanes = hn::Lanes(d);
  const auto a = hn::LoadU(d, src), b = hn::LoadU(d, src + lanes);
  const auto c = hn::LoadU(d, src + 2 * lanes), e = hn::LoadU(d, src + 3 * lanes);
  if constexpr (streaming) {
    hn::Stream(a, d, dst);
    hn::Stream(b, d, dst + lanes);
    hn::Stream(c, d, dst + 2 * lanes);
    hn::Stream(e, d, dst + 3 * lanes);
  } else {
    hn::Store(a, d, dst);
    hn::Store(b, d, dst + lanes);
    hn::Store(c, d, dst + 2 * lanes);
    hn::Store(e, d, dst + 3 * lanes);
  }
}

// 4 KiB aliasing: a processor takes a load to depend on an earlier store that is still in the store
// buffer if the low 12 bits of their addresses match, and stalls it. If the destination is ahead of
// the source modulo 4096 by less than half of that, a forward copy keeps loading where it has just
// stored; such copies run backward.
constexpr std::uintptr_t alias_bytes = 4096;

void copy_any(std::byte* to, const std::byte* from, std::size_t size_bytes, Stores stores) {
  const Bytes d;
  const std::size_t group = 4 * hn::Lanes(d);
  auto* dst = reinterpret_cast<std::uint8_t*>(to);
  const auto* src = reinterpret_cast<const std::uint8_t*>(from);
  const std::size_t past = reinterpret_cast<std::uintptr_t>(dst) % hn::Lanes(d);
  const std::size_t head = past == 0 ? 0 : hn::Lanes(d) - past;
  if (size_bytes < 2 * group + head) {
    std::memcpy(dst, src, size_bytes);
    return;
  }
  std::memcpy(dst, src, head);
  dst += head;
  src += head;
  const std::size_t groups = (size_bytes - head) / group, done = groups * group;
  std::memcpy(dst + done, src + done, size_bytes - head - done);
  if (stores == Stores::streaming) {
    for (std::size_t at = 0; at < done; at += group) copy_group<true>(d, dst + at, src + at);
    hwy::FlushStream();
    return;
  }
  const std::uintptr_t ahead =
      (reinterpret_cast<std::uintptr_t>(dst) - reinterpret_cast<std::uintptr_t>(src)) % alias_bytes;
  // For long copies without aliasing, memcpy is fastest (it uses the processor's copy instruction);
  // into lines that another core's cache has, it is so already from 4 KiB on.
  const std::size_t long_bytes = stores == Stores::to_peer ? 4096 : 32768;
  if (size_bytes >= long_bytes && (ahead == 0 || ahead >= hn::Lanes(d))) {
    std::memcpy(dst, src, done);
    return;
  }
  if (ahead != 0 && ahead < alias_bytes / 2) {
    for (std::size_t at = done; at > 0; at -= group) {
      copy_group<false>(d, dst + at - group, src + at - group);
    }
  } else {
    for (std::size_t at = 0; at < done; at += group) copy_group<false>(d, dst + at, src + at);
  }
}

// Each line's mark must become visible after its data. On x86 with AVX this rests on two guarantees
// of the processor: stores become visible in program order (TSO), and an aligned 16-byte store is
// atomic. So the last 8 bytes of data and the mark go out in one 16-byte store, after all others;
// fewer stores leave more lines in flight. A 32-byte store is not guaranteed to be atomic, so it
// must not contain the mark. Elsewhere, the mark is a release store of its own.
void write_packets(PacketLine* line, const std::byte* from, std::size_t count, std::uint64_t mark) {
  const auto* src = reinterpret_cast<const std::uint8_t*>(from);
  for (; count > 0; --count, src += PacketLine::data_bytes, ++line) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
    const hn::CappedTag<std::uint8_t, 32> half;
    const hn::CappedTag<std::uint8_t, 16> quarter;
    const hn::CappedTag<std::uint64_t, 2> last;
    auto* const dst = reinterpret_cast<std::uint8_t*>(line->data);
    for (std::size_t at = 0; at < 32; at += hn::Lanes(half)) {
      hn::Store(hn::LoadU(half, src + at), half, dst + at);
    }
    hn::Store(hn::LoadU(quarter, src + 32), quarter, dst + 32);
    std::uint64_t end = 0;
    std::memcpy(&end, src + 48, sizeof end);
    std::atomic_signal_fence(std::memory_order_release);  // keeps the compiler from reordering
    hn::Store(hn::InsertLane(hn::Set(last, mark), 0, end), last,
              reinterpret_cast<std::uint64_t*>(dst + 48));
    std::atomic_signal_fence(std::memory_order_release);
#else
    std::memcpy(line->data, src, PacketLine::data_bytes);
    std::atomic_ref(line->mark).store(mark, std::memory_order_release);
#endif
  }
}

VectorPacketWriter find_packet_writer() { return write_packets; }

}  // namespace
}  // namespace peal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace peal {

HWY_EXPORT(copy_any);
HWY_EXPORT(find_packet_writer);

void vector_copy(std::byte* dst, const std::byte* src, std::size_t size_bytes, Stores stores) {
  HWY_DYNAMIC_DISPATCH(copy_any)(dst, src, size_bytes, stores);
}

VectorPacketWriter vector_packet_writer() { return HWY_DYNAMIC_DISPATCH(find_packet_writer)(); }

}  // namespace peal
#endif
