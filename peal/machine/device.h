// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "peal/base/api.h"
#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/machine/calls/call_record.h"
#include "peal/machine/packets.h"
#include "peal/machine/reduce_op.h"
#include "peal/machine/signal.h"
#include "peal/machine/split.h"
#include "peal/machine/view.h"
#include "peal/machine/window.h"

namespace PEAL_API peal {

class Team;
class VerbError;

// What `compute` reads and writes, and how long it takes on the target.
struct ComputeCost {
  std::initializer_list<View> reads;
  std::initializer_list<View> writes;
  std::int64_t cycles = 0;
};

// What a collective tells the device about its transfers, so that a real device can choose between
// cached and streaming stores.
struct TransferHint {
  // This rank's scratch: data written there, or at the same place of a peer, is soon read again.
  const std::byte* scratch = nullptr;
  std::size_t scratch_bytes = 0;
  std::size_t moved_bytes = 0;      // of all ranks' buffers together; 0 if unknown
  bool lacks_shared_cache = false;  // true if the ranks were measured to share no cache
};

// Facts about where the ranks run.
struct HostFacts {
  bool is_real = false;            // true: on this host, in real time; false: simulated
  bool is_oversubscribed = false;  // more ranks than processors
  bool moves_values = true;        // false: RunOptions::values is false
};

// The verbs: the interface between a kernel and the rank that it runs on. The public functions
// check their arguments and call the virtual do_...() of the platform. Destinations come
// first. Source and destination must have the same length and type, and a peer must be in the team;
// otherwise a verb throws Error. On its own rank's memory every verb, also an asynchronous one,
// takes effect in program order.
class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int ranks() const { return ranks_; }
  // The rank `steps` after this one on the ring of ranks, for steps from 0 to ranks(). No modulo: a
  // division takes as long as a small reduction.
  [[nodiscard]] Rank ahead(int steps) const {
    const int index = rank_ + steps;
    return Rank{index < ranks_ ? index : index - ranks_};
  }

  // Writes `src` of this rank to `dst` in the peer's window. Asynchronous: completed by the next
  // notify to any rank, or by flush.
  void put(Rank peer, const View& dst, const View& src, SourcePlace place = SourcePlace::here()) {
    check_copy("put", peer, dst, src, place);
    do_put(peer, dst, src, place);
  }
  // Reads `src` of the peer's window into `dst` of this rank.
  void get(const View& dst, Rank peer, const View& src, SourcePlace place = SourcePlace::here()) {
    check_copy("get", peer, dst, src, place);
    do_get(dst, peer, src, place);
  }
  // Copies within this rank.
  void copy(const View& dst, const View& src, SourcePlace place = SourcePlace::here()) {
    check_copy("copy", Rank{rank_}, dst, src, place);
    do_copy(dst, src, place);
  }
  // Combines all sources, in their order, and writes the result to every destination. f16 and bf16
  // are accumulated in f32 and rounded once. A destination may be one of the sources.
  void reduce(const RankViews& dsts, const RankViews& srcs, ReduceOp op,
              SourcePlace place = SourcePlace::here()) {
    check_reduce(dsts.all(), srcs.all(), place);
    do_reduce(dsts.all(), srcs.all(), op, place);
  }
  void reduce(const View& dst, const RankViews& srcs, ReduceOp op,
              SourcePlace place = SourcePlace::here()) {
    const RankView to{Rank{rank_}, dst};
    check_reduce({&to, 1}, srcs.all(), place);
    do_reduce({&to, 1}, srcs.all(), op, place);
  }
  // The same for a braced list, which is used in place instead of being copied.
  void reduce(const View& dst, std::initializer_list<RankView> srcs, ReduceOp op,
              SourcePlace place = SourcePlace::here()) {
    const RankView to{Rank{rank_}, dst};
    check_reduce({&to, 1}, srcs, place);
    do_reduce({&to, 1}, srcs, op, place);
  }
  // dst = dst op src, both on this rank.
  void reduce(const View& dst, const View& src, ReduceOp op,
              SourcePlace place = SourcePlace::here()) {
    const RankView places[] = {{Rank{rank_}, dst}, {Rank{rank_}, src}};
    check_reduce({places, 1}, places, place);
    do_reduce({places, 1}, places, op, place);
  }
  // Combines `src` into the peer's memory: dst = dst op src, atomic for each element.
  void put_reduce(Rank peer, const View& dst, const View& src, ReduceOp op,
                  SourcePlace place = SourcePlace::here()) {
    check_copy("put_reduce", peer, dst, src, place);
    do_put_reduce(peer, dst, src, op, place);
  }

  // Adds n arrivals to the peer's cell of `signal`. A release: all earlier puts of this rank, to
  // any rank, are visible to whoever waits for the arrivals, and its earlier gets and reads are
  // complete.
  void notify(Rank peer, Signal signal, int n = 1, SourcePlace place = SourcePlace::here()) {
    check_signal("notify", peer, n, place);
    do_notify(peer, signal, n, place);
  }
  // put, then notify, as one verb.
  void put_notify(Rank peer, const View& dst, const View& src, Signal signal,
                  SourcePlace place = SourcePlace::here()) {
    check_copy("put_notify", peer, dst, src, place);
    do_put_notify(peer, dst, src, signal, place);
  }
  // Waits until n more arrivals are in this rank's cell, and consumes them. An acquire.
  void wait(Signal signal, int n = 1, SourcePlace place = SourcePlace::here()) {
    check_signal("wait", Rank{rank_}, n, place);
    do_wait(signal, n, place);
  }
  // If n more arrivals are there, consumes them and returns true; otherwise returns false at once.
  [[nodiscard]] bool poll(Signal signal, int n = 1, SourcePlace place = SourcePlace::here()) {
    check_signal("poll", Rank{rank_}, n, place);
    return do_poll(signal, n, place);
  }
  // Writes `src`, at most Packets::max_bytes, to a place for packets at the peer and notifies it,
  // in one verb. `to` is the same place in this rank's row. See Packets for when it may be put
  // again.
  void put_packets(Rank peer, const Packets& to, const View& src,
                   SourcePlace place = SourcePlace::here()) {
    check_packets("put_packets", peer, src, place);
    do_put_packets(peer, to, src, place);
  }
  // Waits for the next put to this rank's place `from` and copies it to `dst`, of the same length.
  void take_packets(const View& dst, const Packets& from, SourcePlace place = SourcePlace::here()) {
    check_packets("take_packets", Rank{rank_}, dst, place);
    do_take_packets(dst, from, place);
  }
  // Waits for the next put of every peer, rank i to `from[i]`, and combines all of them with `own`
  // into `dst`, in rank order. `dst` may be `own`.
  void reduce_packets(const View& dst, const View& own, const PacketRow& from, ReduceOp op,
                      SourcePlace place = SourcePlace::here()) {
    check_copy("reduce_packets", Rank{rank_}, dst, own, place);
    check_packets("reduce_packets", Rank{rank_}, dst, place);
    do_reduce_packets(dst, own, from, op, place);
  }
  // A notify, and the wait for it, that crosses from one collective call to a later one: back
  // pressure, by which a receiver allows its sender to overwrite a buffer. Carries no history: the
  // two calls need not be equal.
  void give_credit(Rank peer, Signal credit, SourcePlace place = SourcePlace::here()) {
    const std::uint64_t own = std::exchange(arrival_, unstamped_arrival);
    notify(peer, credit, 1, place);
    arrival_ = own;
  }
  void await_credits(Signal credit, int n, SourcePlace place = SourcePlace::here()) {
    const std::uint64_t own = std::exchange(arrival_, unstamped_arrival);
    wait(credit, n, place);
    arrival_ = own;
  }
  // Returns when every earlier put of this rank is visible and every earlier get is complete.
  void flush(SourcePlace place = SourcePlace::here()) { do_flush(place); }

  // Spans of this rank's memory for ordinary loads and stores, valid until the next verb.
  [[nodiscard]] std::span<const std::byte> read(const View& view,
                                                SourcePlace place = SourcePlace::here()) {
    return do_access(view, Access::read, place);
  }
  [[nodiscard]] std::span<std::byte> write(const View& view,
                                           SourcePlace place = SourcePlace::here()) {
    return do_access(view, Access::write, place);
  }
  // Local work with a declared cost: runs `fn` at once, unless RunOptions::values is false.
  void compute(const ComputeCost& cost, const std::function<void()>& fn,
               SourcePlace place = SourcePlace::here()) {
    do_compute(cost, fn, place);
  }

  // Divides the team, as MPI_Comm_split does: ranks that give the same color form a new team, in
  // order of key, then of rank. Returns this rank's device in that team, or null for a negative
  // color. Collective: every rank makes the same splits, and the call returns when all have made
  // it. The new team allocates windows and signals of its own, and can address this team's windows,
  // too. This device must outlive the new one.
  [[nodiscard]] std::unique_ptr<Device> split(int color, int key,
                                              SourcePlace place = SourcePlace::here()) {
    return do_split({.color = color, .key = key}, place);
  }

  // True if the view lies in a window, so that peers can address its counterpart.
  [[nodiscard]] bool is_in_window(const ConstView& view) const { return do_is_in_window(view); }

  [[nodiscard]] HostFacts host() const { return do_host(); }

  // Predicts how long a program takes on `ranks` devices like this one, without moving data and
  // without other load; nullopt if the device cannot predict. Results may be cached by `name`, so
  // programs of one name must be the same.
  [[nodiscard]] std::optional<Picoseconds> foresee(const std::string& name, int ranks,
                                                   const std::function<void(Team&)>& program) {
    return do_foresee(name, ranks, program);
  }

  // Sets the hint for the verbs that follow. It affects speed only, and only on a real host.
  void set_transfer_hint(const TransferHint& hint) { transfer_hint_ = hint; }

  // Announces this rank's next collective call, for reports and for the detection of unlike calls.
  // A real device returns a number for announce_again(); others return 0, and want every call
  // announced. Throws RunError if another rank is known to make another call in its place.
  std::uint64_t announce(const CallRecord& call) { return do_announce(call); }
  // Announces the record of an earlier announce() again, by its number. Returns false if the record
  // is forgotten, and must be announced in full.
  [[nodiscard]] bool announce_again(std::uint64_t number) { return do_announce_again(number); }
  // Begins a collective call, whose record has this stamp. Until end_call(), on a real device every
  // arrival by signals and packets carries the history of calls (see call_record.h), so a wait of a
  // rank that has made other calls fails, with a report of both.
  void begin_call(std::uint64_t stamp) {
    ++calls_;
    history_ = history_after(history_, stamp);
    arrival_ = arrival_in(history_);
  }
  void end_call() { arrival_ = unstamped_arrival; }

  // Symmetric allocations, zeroed: every rank makes the same ones in the same order. The name
  // appears in reports.
  [[nodiscard]] Window allocate(std::string_view name, std::size_t size_bytes) {
    return do_allocate(name, size_bytes);
  }
  [[nodiscard]] SignalRow allocate_signals(std::string_view name, int count) {
    return do_allocate_signals(name, count);
  }
  [[nodiscard]] PacketRow allocate_packets(std::string_view name, int count) {
    return do_allocate_packets(name, count);
  }

 protected:
  enum class Access { read, write };

  Device(int rank, int ranks) : rank_(rank), ranks_(ranks) {}

  [[nodiscard]] const TransferHint& transfer_hint() const { return transfer_hint_; }
  // How many calls have begun, and the history_after() of them.
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::uint64_t history() const { return history_; }
  // What one notify adds to a cell at present: 1, and within a call the history, too.
  [[nodiscard]] std::uint64_t arrival() const { return arrival_; }

  virtual void do_put(Rank peer, const View& dst, const View& src, SourcePlace place) = 0;
  virtual void do_get(const View& dst, Rank peer, const View& src, SourcePlace place) = 0;
  virtual void do_copy(const View& dst, const View& src, SourcePlace place) = 0;
  virtual void do_reduce(std::span<const RankView> dsts, std::span<const RankView> srcs,
                         ReduceOp op, SourcePlace place) = 0;
  virtual void do_put_reduce(Rank peer, const View& dst, const View& src, ReduceOp op,
                             SourcePlace place) = 0;
  virtual void do_notify(Rank peer, Signal signal, int n, SourcePlace place) = 0;
  virtual void do_put_notify(Rank peer, const View& dst, const View& src, Signal signal,
                             SourcePlace place) = 0;
  virtual void do_wait(Signal signal, int n, SourcePlace place) = 0;
  virtual bool do_poll(Signal signal, int n, SourcePlace place) = 0;
  virtual void do_flush(SourcePlace place) = 0;
  virtual std::span<std::byte> do_access(const View& view, Access access, SourcePlace place) = 0;
  virtual void do_compute(const ComputeCost& cost, const std::function<void()>& fn,
                          SourcePlace place) = 0;
  virtual bool do_is_in_window(const ConstView&) const { return false; }
  [[nodiscard]] virtual HostFacts do_host() const { return {}; }
  [[nodiscard]] virtual std::optional<Picoseconds> do_foresee(const std::string&, int,
                                                              const std::function<void(Team&)>&) {
    return std::nullopt;
  }
  virtual std::unique_ptr<Device> do_split(const SplitEntry& own, SourcePlace place) = 0;
  virtual Window do_allocate(std::string_view name, std::size_t size_bytes) = 0;
  virtual SignalRow do_allocate_signals(std::string_view name, int count) = 0;
  // The default implementation of packets: memory in a window, and a signal. Devices with a faster
  // one override all four.
  virtual void do_put_packets(Rank peer, const Packets& to, const View& src, SourcePlace place);
  virtual void do_take_packets(const View& dst, const Packets& from, SourcePlace place);
  virtual void do_reduce_packets(const View& dst, const View& own, const PacketRow& from,
                                 ReduceOp op, SourcePlace place);
  virtual PacketRow do_allocate_packets(std::string_view name, int count);
  // Ends a verb that was called with wrong arguments. Throws by default; must not return.
  [[noreturn]] virtual void do_refuse(const VerbError& error) const;
  virtual std::uint64_t do_announce(const CallRecord&) { return 0; }
  virtual bool do_announce_again(std::uint64_t) { return false; }

 private:
  void check_copy(const char* verb, Rank peer, const View& dst, const View& src,
                  SourcePlace place) const {
    if (dst.count != src.count || dst.dtype != src.dtype || !is_member(peer)) {
      refuse_copy(verb, peer, dst, src, place);
    }
  }
  void check_signal(const char* verb, Rank peer, int n, SourcePlace place) const {
    if (n < 1 || !is_member(peer)) refuse_signal(verb, peer, n, place);
  }
  void check_packets(const char* verb, Rank peer, const View& data, SourcePlace place) const {
    if (data.size_bytes() > Packets::max_bytes || !is_member(peer)) {
      refuse_packets(verb, peer, data, place);
    }
  }
  void check_reduce(std::span<const RankView> dsts, std::span<const RankView> srcs,
                    SourcePlace place) const {
    if (dsts.size() != 1 || srcs.size() != 2) return check_any_reduce(dsts, srcs, place);
    const RankView &dst = dsts[0], &left = srcs[0], &right = srcs[1];  // the most frequent case
    check_copy("reduce", left.rank, dst.view, left.view, place);
    check_copy("reduce", right.rank, dst.view, right.view, place);
    if (!is_member(dst.rank)) refuse_peer("reduce", dst.rank, place);
  }
  void check_any_reduce(std::span<const RankView> dsts, std::span<const RankView> srcs,
                        SourcePlace place) const;
  [[nodiscard]] bool is_member(Rank peer) const { return peer.index >= 0 && peer.index < ranks_; }
  [[noreturn]] void refuse(const std::string& sentence, SourcePlace place) const;
  [[noreturn]] void refuse_peer(const char* verb, Rank peer, SourcePlace place) const;
  [[noreturn]] void refuse_copy(const char* verb, Rank peer, const View& dst, const View& src,
                                SourcePlace place) const;
  [[noreturn]] void refuse_packets(const char* verb, Rank peer, const View& data,
                                   SourcePlace place) const;
  [[noreturn]] void refuse_signal(const char* verb, Rank peer, int n, SourcePlace place) const;

  int rank_;
  int ranks_;
  std::uint64_t arrival_ = unstamped_arrival;
  std::uint64_t calls_ = 0;
  std::uint64_t history_ = 0;
  TransferHint transfer_hint_;
};

}  // namespace peal
