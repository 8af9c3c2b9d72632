// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "peal/executors/shm/membership.h"
#include "peal/executors/shm/transfer/packet_box.h"
#include "peal/executors/shm/transfer/vector_reduce.h"
#include "peal/executors/shm/wait/call_history.h"
#include "peal/machine/device.h"
#include "peal/run/run.h"

namespace peal {

// The verbs of a rank that is a process (or a thread) and shares an arena with its peers. Data
// moves by this processor's loads and stores: every verb has finished when it returns. Packets are
// in packets.cpp, split() in split.cpp.
class ShmDevice final : public Device {
 public:
  struct Settings {
    bool values = true;              // false: no data is moved; signals still work
    std::uint32_t signal_start = 0;  // the initial count of every signal
  };
  // The membership must outlive the device.
  ShmDevice(ShmMembership& membership, const Settings& settings);

  // The device of a team that was split from another device's. It owns its membership, and counts
  // its verbs in `counts`, which are the other device's.
  ShmDevice(std::unique_ptr<ShmMembership> membership, const Settings& settings,
            RankCounts& counts);

  // The device of a split team publishes its calls at its end. That of a whole team must not: its
  // memory may have been allocated anew by then.
  ~ShmDevice() override {
    if (owned_ != nullptr) show_calls();
  }

  [[nodiscard]] const RankCounts& counts() const { return counts_; }
  // Publishes how many calls have begun, for reports of other ranks. Called before this rank's end.
  void show_calls() const;

 private:
  // Below, the kind of stores makes no difference.
  static constexpr std::size_t min_long_bytes = 4096;

  void do_put(Rank peer, const View& dst, const View& src, SourcePlace place) override;
  void do_get(const View& dst, Rank peer, const View& src, SourcePlace place) override;
  void do_copy(const View& dst, const View& src, SourcePlace place) override;
  void do_reduce(std::span<const RankView> dsts, std::span<const RankView> srcs, ReduceOp op,
                 SourcePlace place) override;
  void do_put_reduce(Rank peer, const View& dst, const View& src, ReduceOp op,
                     SourcePlace place) override;
  void do_notify(Rank peer, Signal signal, int n, SourcePlace place) override;
  void do_put_notify(Rank peer, const View& dst, const View& src, Signal signal,
                     SourcePlace place) override;
  void do_wait(Signal signal, int n, SourcePlace place) override;
  bool do_poll(Signal signal, int n, SourcePlace place) override;
  void do_flush(SourcePlace place) override;
  std::span<std::byte> do_access(const View& view, Access access, SourcePlace place) override;
  void do_compute(const ComputeCost& cost, const std::function<void()>& fn,
                  SourcePlace place) override;
  bool do_is_in_window(const ConstView& view) const override;
  [[nodiscard]] HostFacts do_host() const override;
  std::unique_ptr<Device> do_split(const SplitEntry& own, SourcePlace place) override;
  Window do_allocate(std::string_view name, std::size_t size_bytes) override;
  SignalRow do_allocate_signals(std::string_view name, int count) override;
  void do_put_packets(Rank peer, const Packets& to, const View& src, SourcePlace place) override;
  void do_take_packets(const View& dst, const Packets& from, SourcePlace place) override;
  void do_reduce_packets(const View& dst, const View& own, const PacketRow& from, ReduceOp op,
                         SourcePlace place) override;
  PacketRow do_allocate_packets(std::string_view name, int count) override;
  std::uint64_t do_announce(const CallRecord& call) override;
  bool do_announce_again(std::uint64_t number) override;

  static constexpr std::size_t at_hand = 16;
  // Returns an array for `count` elements: `few` if it suffices, else `many`, which is kept between
  // verbs to save the allocation.
  template <class T>
  static T* room_for(std::size_t count, T (&few)[at_hand], std::vector<T>& many) {
    if (count <= at_hand) return few;
    many.resize(count);
    return many.data();
  }
  void count_put(Rank peer, const View& view) {
    if (peer.index == rank()) return;
    ++counts_.puts;
    counts_.sent_bytes += view.size_bytes();
  }
  // How a verb is to write `dst` on a rank. `views` is the number of views, all of that length,
  // that the verb reads and writes.
  [[nodiscard]] Stores stores_for(Rank rank, const View& dst, std::size_t views) const {
    if (dst.size_bytes() < min_long_bytes) return Stores::cached;
    return stores_for_long(rank, dst, views);
  }
  [[nodiscard]] Stores stores_for_long(Rank rank, const View& dst, std::size_t views) const;
  // The address at the peer that corresponds to this rank's view. Throws Error unless the view lies
  // in a window.
  [[nodiscard]] std::byte* at(Rank peer, const View& view, const char* verb) const {
    if (peer.index == rank() || view.empty()) return view.data;
    if (!membership_.holds(view.data, view.size_bytes())) refuse(peer, view, verb);
    return view.data + membership_.shift(peer.index);
  }
  [[noreturn]] void refuse(Rank peer, const View& view, const char* verb) const;
  [[nodiscard]] SignalCell& cell_of(Rank peer, Signal signal, const char* verb) const;
  // Adds arrivals, with the history they carry, to `cell`, the peer's cell of `signal`.
  void arrive(Rank peer, SignalCell& cell, Signal signal, std::uint64_t arrivals);
  // Waits until the cell's sum has reached `target`, which is n arrivals of this call more than
  // were consumed. Throws if arrivals carry another history.
  void await_arrivals(SignalCell& cell, std::uint64_t target, int n, SourcePlace place);
  // Tells the watch which call the next wait is in.
  void show_call();
  [[nodiscard]] CallPosition position() const;
  // Fails all ranks with a report of the two unlike calls. `excess` and `n`: see UnlikeArrivals.
  [[noreturn]] void refuse_heard(std::uint64_t excess, int n) const;
  [[nodiscard]] std::byte* allocate_alike(std::string_view name, std::size_t size_bytes,
                                          std::size_t signal_stride = sizeof(SignalCell));
  // Allocates the counters of PacketBox::puts for one place.
  [[nodiscard]] std::uint64_t* count_puts();
  // Waits for the lines of the next put to the box, of `size_bytes`, and counts the put as taken.
  void await_packets(PacketBox& box, std::size_t size_bytes, SourcePlace place);
  // The slow path: spins for lines `next` to `end`, then sleeps on the doorbell.
  void await_lines(PacketBox& box, std::size_t next, std::size_t end, SourcePlace place);
  // Claims the peer's cell if it has no single writer yet. Returns true if this rank is its single
  // writer.
  [[nodiscard]] bool is_single_writer(Rank peer, Signal signal) const;
  [[nodiscard]] int part_of(Rank peer) const {
    return membership_.parts()[static_cast<std::size_t>(peer.index)];
  }

  std::unique_ptr<ShmMembership> owned_;
  ShmMembership& membership_;
  Settings settings_;
  std::uint32_t own_mark_ =
      static_cast<std::uint32_t>(part_of(Rank{rank()})) + 1;  // for SignalOwnerState::single_writer
  RankCounts own_counts_;                                     // in use unless the team was split
  RankCounts& counts_;
  std::optional<SignalRow> split_rounds_;
  std::optional<ShmCalls> calls_shown_;
  std::vector<std::byte*> reduce_dsts_;  // see room_for()
  std::vector<const std::byte*> reduce_srcs_;
  std::vector<PacketSource> packet_sources_;
  std::vector<std::unique_ptr<std::uint64_t[]>> put_counts_;
};

}  // namespace peal
