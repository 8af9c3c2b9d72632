// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/meeting.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>

#include "bench/peers/clock.h"

namespace peal::peers {
namespace {

struct alignas(64) Line {
  std::atomic<std::uint64_t> word{};
};

// Looks before a waiting rank gives the processor up.
constexpr int looks_alone = 20'000, looks_crowded = 20;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

struct Meeting::Page {
  Line arrived[most_ranks];
  Line said[2];  // by rank 0 in every other meeting
  Line ball[most_ranks / 2];
};

Meeting::Meeting(int file, int rank, int ranks, bool crowded)
    : rank_(rank), ranks_(ranks), looks_(crowded ? looks_crowded : looks_alone) {
  static_assert(sizeof(Page) <= size_bytes);
  if (ranks > most_ranks) throw std::runtime_error("meeting: too many ranks");
  void* const memory =
      ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("meeting: the page cannot be mapped");
  page_ = static_cast<Page*>(memory);
}

Meeting::~Meeting() { ::munmap(page_, size_bytes); }

template <class Condition>
void Meeting::wait(Condition done) const {
  for (int looks = 0; !done(); ++looks) {
    if (looks < looks_) {
      pause();
    } else {
      ::sched_yield();
    }
  }
}

std::uint64_t Meeting::agree(std::uint64_t word) {
  ++met_;
  // A rank may still read the word of this meeting when rank 0 is in the next, but not when it is
  // in the one after.
  std::atomic<std::uint64_t>& said = page_->said[met_ % 2].word;
  if (rank_ == 0) said.store(word, std::memory_order_relaxed);
  page_->arrived[rank_].word.store(met_, std::memory_order_release);
  for (int other = 0; other < ranks_; ++other) {
    const std::atomic<std::uint64_t>& arrived = page_->arrived[other].word;
    wait([&] { return arrived.load(std::memory_order_acquire) >= met_; });
  }
  return said.load(std::memory_order_relaxed);
}

std::uint64_t Meeting::round_trips(bool first, std::uint64_t count) {
  std::atomic<std::uint64_t>& ball = page_->ball[rank_ / 2].word;
  const std::uint64_t begin = ticks();
  for (std::uint64_t i = 0; i < count; ++i) {
    passes_ += 2;
    if (first) ball.store(passes_ - 1, std::memory_order_release);
    const std::uint64_t wanted = first ? passes_ : passes_ - 1;
    wait([&] { return ball.load(std::memory_order_acquire) == wanted; });
    if (!first) ball.store(passes_, std::memory_order_release);
  }
  return ticks() - begin;
}

double Meeting::line_ns(double ns_per_tick) {
  constexpr std::uint64_t trips = 30;
  std::array<std::uint64_t, 11> chunks{};
  barrier();
  const bool has_neighbour = (rank_ ^ 1) < ranks_, first = rank_ % 2 == 0;
  if (!has_neighbour || looks_ == looks_crowded) return 0;
  for (std::uint64_t& chunk : chunks) chunk = round_trips(first, trips);
  std::sort(chunks.begin(), chunks.end());
  const double median = static_cast<double>(chunks[chunks.size() / 2]);
  return first ? median * ns_per_tick / (2 * trips) : 0;
}

}  // namespace peal::peers
