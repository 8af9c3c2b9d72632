// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace peal::peers {

// Synchronises the ranks of a set independently of the library under measurement, with the same
// code for all libraries: a barrier and more, over some pages of shared memory.
class Rendezvous {
 public:
  // The pages lie at the beginning of the file.
  static constexpr std::size_t size_bytes = std::size_t{1} << 16;
  static constexpr int max_ranks = 64;

  // `crowded`: there are more ranks than processors, so a waiting rank soon yields its processor.
  Rendezvous(int file, int rank, int ranks, bool crowded);
  Rendezvous(const Rendezvous&) = delete;
  Rendezvous& operator=(const Rendezvous&) = delete;
  ~Rendezvous();

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int ranks() const { return ranks_; }

  void barrier() { static_cast<void>(agree(0)); }

  // A barrier that returns rank 0's word on all ranks.
  std::uint64_t agree(std::uint64_t word);

  // Lets all ranks continue at the same tick; all call it right after a barrier. A barrier alone
  // lets ranks go one cache line latency apart, which is as long as a small collective takes.
  // Relies on a clock that is the same on all processors. Does nothing if ranks share processors.
  void leave_together(double ns_per_tick);

  // Measures the latency of a cache line, one way, between ranks 0 and 1, 2 and 3, and so on: half
  // of the median round trip, in ns. All ranks call it. Returns the latency on the even rank of a
  // pair; 0 on the odd one, without a partner, and if ranks share processors. Takes far less than
  // 1 ms if the partners run at the same time, and gives up soon if they do not.
  double line_ns(double ns_per_tick);

 private:
  struct Page;
  template <class Condition>
  void wait(Condition done) const;
  std::uint64_t round_trips(bool first, std::size_t chunk);
  [[nodiscard]] std::atomic<std::uint64_t>& ball(std::size_t chunk) const;

  Page* page_;
  int rank_, ranks_, looks_;
  std::uint64_t met_ = 0, passes_ = 0, left_ = 0;
};

}  // namespace peal::peers
