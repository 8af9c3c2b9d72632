// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace peal::peers {

// Where the ranks of a set meet apart from the library that is measured: some pages of shared
// memory, the same code for everybody.
class Rendezvous {
 public:
  // They lie at the beginning of the file, whose size need not be set before.
  static constexpr std::size_t size_bytes = std::size_t{1} << 16;
  static constexpr int max_ranks = 64;

  // `crowded`: there are more ranks than processors, so that whoever waits gives way at once.
  Rendezvous(int file, int rank, int ranks, bool crowded);
  Rendezvous(const Rendezvous&) = delete;
  Rendezvous& operator=(const Rendezvous&) = delete;
  ~Rendezvous();

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int ranks() const { return ranks_; }

  void barrier() { static_cast<void>(agree(0)); }

  // A barrier that all leave with the word of rank 0.
  std::uint64_t agree(std::uint64_t word);

  // Lets all ranks that have just met go on at the same tick, soon after: they leave a barrier one
  // line latency apart, which is as long as a small collective takes. It relies on a clock that is
  // the same for all processors. Where ranks take turns it does nothing.
  void leave_together(double ns_per_tick);

  // How long a cache line takes from this rank to its neighbour, in ns, half of the median round
  // trip: between ranks 0 and 1, 2 and 3 and so on, at the even one of them. All ranks call it. 0
  // where nobody measures, and where ranks take turns. Takes far less than 1 ms when the
  // neighbours run at the same time, and gives up soon when they do not.
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
