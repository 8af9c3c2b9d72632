// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/core.h"

// A core's DMA engine. Barriers and dsb do not drain it; only waits for its transfers do. A
// transfer is complete when it and all earlier ones are visible at their destinations.

namespace peal {

std::uint32_t Core::transfer(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
                             SourcePlace place) {
  issue_transfer(Pipe::dma, {Opcode::store, dst, src, count, dtype}, place);
  return transfers_++;
}

bool Core::have_completed(std::uint32_t transfers) const {
  const PipeQueue& engine = pipes_[static_cast<std::size_t>(Pipe::dma)];
  return static_cast<std::int32_t>(engine.first_pending - transfers) >= 0;
}

void Core::wait_transfers(std::uint32_t count, SourcePlace place) {
  begin_scalar(place);
  while (!have_completed(count)) suspend(Blocked::transfers);
  emit_transfers(count, place);
}

bool Core::test_transfers(std::uint32_t count, SourcePlace place) {
  begin_scalar(place);
  clock_ += platform_.signals.poll_ps;
  yield();
  const bool complete = have_completed(count);
  if (complete) {
    emit_transfers(count, place);
  } else {
    note_failed_poll(place);
  }
  return complete;
}

void Core::emit_transfers(std::uint32_t complete, SourcePlace place) {
  if (fabric_.polled() != nullptr) fabric_.polled()->note_drained(index_);
  emit({.kind = EventKind::dma_wait,
        .pipe = Pipe::scalar,
        .peer = rank_,
        .issued = ordering_events_,
        .value = static_cast<std::int64_t>(complete),
        .place = place});
}

}  // namespace peal
