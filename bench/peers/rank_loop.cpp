// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <vector>

#include "bench/peers/clock.h"
#include "bench/peers/library.h"
#include "bench/peers/rendezvous.h"
#include "bench/peers/vector_loops.h"

namespace peal::peers {
namespace {

std::uint32_t salt_of(std::uint64_t seed, std::uint64_t call) {
  const std::uint64_t mixed = (seed + call + 1) * 0x9e3779b97f4a7c15u;
  return static_cast<std::uint32_t>(mixed >> 32);
}

// A rank's input and expected output: the input of rank r is the pattern times r + 1.
class Values {
 public:
  Values(const Call& call, int rank, int ranks) : call_(call), rank_(rank), ranks_(ranks) {}

  void write_input(std::uint32_t salt) const {
    if (call_.operation == Operation::broadcast && rank_ != broadcast_root) return;
    fill(call_.send, {.salt = salt, .weight = weight_of(rank_)});
  }

  // Overwrites the output, so that old values cannot pass for a result.
  void spoil_output() const {
    if (call_.operation == Operation::broadcast && rank_ == broadcast_root) return;
    std::fill(call_.recv.begin(), call_.recv.end(), -1.0f);
  }

  [[nodiscard]] std::uint64_t count_wrong_output(std::uint32_t salt) const {
    const auto all = static_cast<float>(ranks_ * (ranks_ + 1)) / 2;
    const auto own = static_cast<std::uint32_t>(static_cast<std::size_t>(rank_) * call_.count);
    switch (call_.operation) {
      case Operation::all_reduce:
        return count_wrong(call_.recv, {.salt = salt, .weight = all});
      case Operation::reduce_scatter:
        return count_wrong(call_.recv, {.salt = salt, .first = own, .weight = all});
      case Operation::broadcast:
        return count_wrong(call_.recv, {.salt = salt, .weight = weight_of(broadcast_root)});
      case Operation::all_gather:
        return count_wrong_blocks(salt, 0);
      case Operation::all_to_all:
        return count_wrong_blocks(salt, own);
    }
    return 0;
  }

 private:
  static float weight_of(int rank) { return static_cast<float>(rank + 1); }

  [[nodiscard]] std::uint64_t count_wrong_blocks(std::uint32_t salt, std::uint32_t first) const {
    std::uint64_t wrong = 0;
    for (int from = 0; from < ranks_; ++from) {
      const std::size_t begin = static_cast<std::size_t>(from) * call_.count;
      wrong += count_wrong(call_.recv.subspan(begin, call_.count),
                           {.salt = salt, .first = first, .weight = weight_of(from)});
    }
    return wrong;
  }

  const Call& call_;
  int rank_, ranks_;
};

class RankLoop {
 public:
  RankLoop(Library& library, Channel& driver, Rendezvous& rendezvous, const Setup& setup)
      : library_(library), driver_(driver), rendezvous_(rendezvous), setup_(setup) {}

  int run() {
    for (Command command; driver_.receive(&command, sizeof command);) {
      if (command.action == Action::quit) return 0;
      measure(command);
    }
    ::_exit(1);  // the driver is gone: end without the library's shutdown, which might block
  }

 private:
  void measure(const Command& command) {
    const Blocks blocks = blocks_of(command.operation, rendezvous_.ranks());
    const Buffers buffers = library_.buffers(command.variant);
    call_ = {.operation = command.operation,
             .variant = command.variant,
             .count = command.count,
             .send = buffers.send.first(blocks.send * command.count),
             .recv = buffers.recv.first(blocks.recv * command.count)};
    if (call_.operation == Operation::broadcast) call_.send = call_.recv;
    library_.bind(call_);
    times_.clear();
    wrong_ = 0;
    Reply reply;
    reply.line_before_ns = settle();
    if (command.regime == Regime::touched) {
      touched(command);
    } else {
      untouched(command);
    }
    reply.line_after_ns = rendezvous_.line_ns(setup_.ns_per_tick);
    if (command.release != 0) library_.release(command.variant);
    reply.times = times_.size();
    reply.wrong = wrong_;
    driver_.send(&reply, sizeof reply);
    driver_.send(times_.data(), times_.size() * sizeof(double));
  }

  // Waits until each rank has a processor: ranks that were woken up on one processor take turns
  // until the scheduler moves one of them, within a few ms. Returns the latency measured last.
  double settle() {
    constexpr double apart_ns = 2000, longest_ns = 8e6;
    const std::uint64_t start = ticks();
    for (;;) {
      const double line_ns = rendezvous_.line_ns(setup_.ns_per_tick);
      const bool done = line_ns < apart_ns || nanoseconds(ticks() - start) > longest_ns;
      if (rendezvous_.agree(done ? 1 : 0) != 0) return line_ns;
    }
  }

  // Repeats: write the input, barrier, start together, timed call, read all of the output.
  void touched(const Command& command) {
    const Values values(call_, rendezvous_.rank(), rendezvous_.ranks());
    const std::uint64_t timing = ticks_of_timing(), start = ticks();
    const std::uint64_t all = command.warm_up + command.calls;
    times_.reserve(command.calls);
    for (std::uint64_t call = 0; call < all; ++call) {
      const std::uint32_t salt = salt_of(command.seed, call);
      values.write_input(salt);
      const bool late = nanoseconds(ticks() - start) > static_cast<double>(command.limit_ns);
      if (rendezvous_.agree(late && !times_.empty() ? 1 : 0) != 0) return;
      rendezvous_.leave_together(setup_.ns_per_tick);
      const std::uint64_t begin = ticks();
      library_.run();
      const std::uint64_t took = ticks() - begin;
      if (!library_.synchronises()) rendezvous_.barrier();
      wrong_ += values.count_wrong_output(salt);
      if (call >= command.warm_up) times_.push_back(nanoseconds(took - std::min(took, timing)));
    }
  }

  // The mean time of calls back to back on the same values.
  void untouched(const Command& command) {
    const Values values(call_, rendezvous_.rank(), rendezvous_.ranks());
    const std::uint32_t salt = salt_of(command.seed, 0);
    values.write_input(salt);
    values.spoil_output();
    rendezvous_.barrier();
    const std::uint64_t warm_up = std::max<std::uint64_t>(1, command.warm_up);
    const double warm_up_ns = repeat(warm_up);
    const double fitting = static_cast<double>(command.limit_ns) * static_cast<double>(warm_up) /
                           std::max(1.0, warm_up_ns);
    const auto most = static_cast<double>(command.calls);
    const std::uint64_t calls =
        rendezvous_.agree(static_cast<std::uint64_t>(std::clamp(fitting, 1.0, most)));
    times_.push_back(repeat(calls) / static_cast<double>(calls));
    wrong_ += values.count_wrong_output(salt);
  }

  double repeat(std::uint64_t calls) {
    const std::uint64_t begin = ticks();
    for (std::uint64_t call = 0; call < calls; ++call) library_.run();
    const std::uint64_t took = ticks() - begin;
    if (!library_.synchronises()) rendezvous_.barrier();
    return nanoseconds(took);
  }

  [[nodiscard]] double nanoseconds(std::uint64_t passed) const {
    return static_cast<double>(passed) * setup_.ns_per_tick;
  }

  Library& library_;
  Channel& driver_;
  Rendezvous& rendezvous_;
  const Setup& setup_;
  Call call_;
  std::vector<double> times_;
  std::uint64_t wrong_ = 0;
};

}  // namespace

int serve(Library& library, const std::string& socket_path, std::uint32_t set) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Channel driver = Channel::connect(socket_path);
  const Hello hello{.set = set, .rank = library.rank(), .ranks = library.ranks()};
  driver.send(&hello, sizeof hello);
  Setup setup;
  const int file = driver.receive_setup(setup);
  Rendezvous rendezvous(file, hello.rank, hello.ranks, setup.crowded != 0);
  library.prepare(setup, file);
  return RankLoop(library, driver, rendezvous, setup).run();
}

}  // namespace peal::peers
