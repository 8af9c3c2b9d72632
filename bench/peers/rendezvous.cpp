// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/rendezvous.h"

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

// The number of polls before a waiting rank yields its processor.
constexpr int looks_alone = 2'000, looks_crowded = 20;

// The time from rank 0's decision to the common start; all ranks must have read it by then.
constexpr double notice_ns = 1000;

constexpr std::uint64_t trips = 10;  // round trips that are timed together
// The latency depends on the address of the line, by its slice of the last-level cache; so the ball
// is on another page in each measurement.
constexpr std::size_t ball_pages = 8;
constexpr double slow_trips_ns = 100'000;
constexpr std::uint64_t enough = UINT64_MAX;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

struct Rendezvous::Page {
  struct alignas(4096) Balls {
    Line of_pair[max_ranks / 2];
  };
  Line arrived[max_ranks];
  Line said[2];  // rank 0's word, double buffered
  Line leave;    // the tick at which all ranks continue
  Balls balls[ball_pages];
};

Rendezvous::Rendezvous(int file, int rank, int ranks, bool crowded)
    : rank_(rank), ranks_(ranks), looks_(crowded ? looks_crowded : looks_alone) {
  static_assert(sizeof(Page) <= size_bytes);
  if (ranks > max_ranks) throw std::runtime_error("rendezvous: too many ranks");
  void* const memory =
      ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("rendezvous: the page cannot be mapped");
  page_ = static_cast<Page*>(memory);
}

Rendezvous::~Rendezvous() { ::munmap(page_, size_bytes); }

template <class Condition>
void Rendezvous::wait(Condition done) const {
  for (int looks = 0; !done(); ++looks) {
    if (looks < looks_) {
      pause();
    } else {
      ::sched_yield();
    }
  }
}

std::uint64_t Rendezvous::agree(std::uint64_t word) {
  ++met_;
  // A barrier with one epoch counter (met_) per rank.
  // 1. Rank 0 stores the word before it stores its epoch with release; every rank loads that epoch
  //    with acquire. So the word is visible to all, and relaxed accesses to it suffice.
  // 2. A rank may still have to read the word of epoch e when rank 0 is in epoch e + 1. But rank 0
  //    enters e + 2 only after every rank has entered e + 1, and so has read the word of e. So two
  //    words, used in turn, suffice.
  std::atomic<std::uint64_t>& said = page_->said[met_ % 2].word;
  if (rank_ == 0) said.store(word, std::memory_order_relaxed);
  page_->arrived[rank_].word.store(met_, std::memory_order_release);
  for (int other = 0; other < ranks_; ++other) {
    const std::atomic<std::uint64_t>& arrived = page_->arrived[other].word;
    wait([&] { return arrived.load(std::memory_order_acquire) >= met_; });
  }
  return said.load(std::memory_order_relaxed);
}

void Rendezvous::leave_together(double ns_per_tick) {
  if (looks_ == looks_crowded) return;
  std::atomic<std::uint64_t>& leave = page_->leave.word;
  if (rank_ == 0) {
    leave.store(ticks() + static_cast<std::uint64_t>(notice_ns / ns_per_tick),
                std::memory_order_relaxed);
  }
  wait([&] { return leave.load(std::memory_order_relaxed) > left_; });
  left_ = leave.load(std::memory_order_relaxed);
  while (ticks() < left_) {
  }
}

std::atomic<std::uint64_t>& Rendezvous::ball(std::size_t chunk) const {
  return page_->balls[chunk % ball_pages].of_pair[rank_ / 2].word;
}

// Plays `trips` round trips of ping-pong. Returns their duration in ticks, or 0 if the first rank
// has given up.
std::uint64_t Rendezvous::round_trips(bool first, std::size_t chunk) {
  std::atomic<std::uint64_t>& ball = this->ball(chunk);
  const std::uint64_t begin = ticks();
  for (std::uint64_t i = 0; i < trips; ++i) {
    passes_ += 2;
    if (first) ball.store(passes_ - 1, std::memory_order_release);
    std::uint64_t seen = 0;
    wait([&] {
      seen = ball.load(std::memory_order_acquire);
      return first ? seen == passes_ : seen >= passes_ - 1;
    });
    if (seen == enough) return 0;
    if (!first) ball.store(passes_, std::memory_order_release);
  }
  return ticks() - begin;
}

double Rendezvous::line_ns(double ns_per_tick) {
  std::array<std::uint64_t, 4 * ball_pages> chunks{};
  barrier();
  if (looks_ == looks_crowded) return 0;
  const bool has_neighbour = (rank_ ^ 1) < ranks_, first = rank_ % 2 == 0;
  std::size_t done = 0;
  while (has_neighbour && done < chunks.size()) {
    chunks[done] = round_trips(first, done);
    if (chunks[done++] == 0) break;
    if (first && static_cast<double>(chunks[done - 1]) * ns_per_tick > slow_trips_ns) {
      ball(done).store(enough, std::memory_order_release);
      break;
    }
  }
  barrier();
  passes_ = 0;
  for (std::size_t i = 0; first && i < ball_pages; ++i) ball(i).store(0, std::memory_order_relaxed);
  if (!first || !has_neighbour) return 0;
  std::sort(chunks.begin(), chunks.begin() + static_cast<std::ptrdiff_t>(done));
  return static_cast<double>(chunks[done / 2]) * ns_per_tick / (2 * trips);
}

}  // namespace peal::peers
