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

#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/machine/calls/call_record.h"
#include "peal/machine/packets.h"
#include "peal/machine/reduce_op.h"
#include "peal/machine/signal.h"
#include "peal/machine/split.h"
#include "peal/machine/view.h"
#include "peal/machine/window.h"

namespace peal {

class Team;
class VerbError;

// What `compute` reads and writes, and how long it takes on the target.
struct ComputeCost {
  std::initializer_list<View> reads;
  std::initializer_list<View> writes;
  std::int64_t cycles = 0;
};

// What is known beforehand of a call that a kernel carries out.
struct TransferHint {
  // This rank's scratch: what is written there, or at the same place of a peer, is soon read again.
  const std::byte* scratch = nullptr;
  std::size_t scratch_bytes = 0;
  std::size_t moved_bytes = 0;      // of all ranks' buffers together; 0 when it is not known
  bool lacks_shared_cache = false;  // the ranks are known not to share a cache
};

// What is known of where the ranks run.
struct HostFacts {
  bool is_real = false;            // on this host, as fast as it goes; else times are simulated
  bool is_oversubscribed = false;  // more ranks than processors
};

// What a kernel sees of the rank it runs on: the verbs. Destinations come first. On its own rank's
// memory every verb takes effect in program order, also when it is asynchronous. Lengths and types
// of source and destination must be equal, and a peer must be in the team, else Error.
class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int ranks() const { return ranks_; }
  // The rank so many steps after this one, at most all ranks, on the ring of them. It is found
  // without a division, which takes as long as a small reduction.
  [[nodiscard]] Rank ahead(int steps) const {
    const int index = rank_ + steps;
    return Rank{index < ranks_ ? index : index - ranks_};
  }

  // Writes `src` of this rank to `dst` in the peer's window. Asynchronous: ended by a notify to
  // anyone, or by flush.
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
  // Of places that are listed at the call, which are not copied.
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
  // Combines `src` into the peer's memory, atomically per element.
  void put_reduce(Rank peer, const View& dst, const View& src, ReduceOp op,
                  SourcePlace place = SourcePlace::here()) {
    check_copy("put_reduce", peer, dst, src, place);
    do_put_reduce(peer, dst, src, op, place);
  }

  // Adds n arrivals to the peer's cell of `signal`. Strong: whoever waits for them sees this
  // rank's earlier puts to any rank, and its earlier gets and reads have finished.
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
  // Consumes the next n arrivals of the own cell, waiting for them if need be.
  void wait(Signal signal, int n = 1, SourcePlace place = SourcePlace::here()) {
    check_signal("wait", Rank{rank_}, n, place);
    do_wait(signal, n, place);
  }
  // Consumes the next n arrivals and returns true if all are there, else returns false.
  [[nodiscard]] bool poll(Signal signal, int n = 1, SourcePlace place = SourcePlace::here()) {
    check_signal("poll", Rank{rank_}, n, place);
    return do_poll(signal, n, place);
  }
  // Writes `src`, of at most Packets::max_bytes, to that place of the peer's, as one verb with the
  // news of it. The place is in this rank's row.
  void put_packets(Rank peer, const Packets& to, const View& src,
                   SourcePlace place = SourcePlace::here()) {
    check_packets("put_packets", peer, src, place);
    do_put_packets(peer, to, src, place);
  }
  // Waits for what is put next to that place of its own, as long as `dst`, and copies it there.
  void take_packets(const View& dst, const Packets& from, SourcePlace place = SourcePlace::here()) {
    check_packets("take_packets", Rank{rank_}, dst, place);
    do_take_packets(dst, from, place);
  }
  // Waits for what every peer puts next, rank i to `from[i]`, and combines all of it and `own`, in
  // rank order. The destination may be `own`.
  void reduce_packets(const View& dst, const View& own, const PacketRow& from, ReduceOp op,
                      SourcePlace place = SourcePlace::here()) {
    check_copy("reduce_packets", Rank{rank_}, dst, own, place);
    check_packets("reduce_packets", Rank{rank_}, dst, place);
    do_reduce_packets(dst, own, from, op, place);
  }
  // A notify, and a wait, of credits: news from one call to a later one, which may be another one.
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
  // Returns when every earlier put of this rank is visible and every earlier get has arrived.
  void flush(SourcePlace place = SourcePlace::here()) { do_flush(place); }

  // Spans of this rank's memory for plain code, valid until the next verb.
  [[nodiscard]] std::span<const std::byte> read(const View& view,
                                                SourcePlace place = SourcePlace::here()) {
    return do_access(view, Access::read, place);
  }
  [[nodiscard]] std::span<std::byte> write(const View& view,
                                           SourcePlace place = SourcePlace::here()) {
    return do_access(view, Access::write, place);
  }
  // Local work with a declared cost: runs `fn` at once (unless values are switched off).
  void compute(const ComputeCost& cost, const std::function<void()>& fn,
               SourcePlace place = SourcePlace::here()) {
    do_compute(cost, fn, place);
  }

  // Divides the team: the ranks that give the same color are a team of their own, in which they are
  // ordered by key and those of one key by rank. Returns this rank's device of that team, or null
  // for a negative color. Its windows and signals are its own; what lies in windows of this team
  // its peers can address, too. Every rank makes the same splits; returns when all have come. This
  // device has to outlive the new one.
  [[nodiscard]] std::unique_ptr<Device> split(int color, int key,
                                              SourcePlace place = SourcePlace::here()) {
    return do_split({.color = color, .key = key}, place);
  }

  // Whether the view lies in a window, so that a peer can be given it.
  [[nodiscard]] bool is_in_window(const View& view) const { return do_is_in_window(view); }

  [[nodiscard]] HostFacts host() const { return do_host(); }

  // How long a program takes on so many devices like this one that do nothing else and move no
  // data; nothing where the device cannot tell. Programs of one name are taken for the same.
  [[nodiscard]] std::optional<Picoseconds> foresee(const std::string& name, int ranks,
                                                   const std::function<void(Team&)>& program) {
    return do_foresee(name, ranks, program);
  }

  // Says what the verbs from here on are part of. It changes nothing but, on a real host, whether
  // what they write goes through the caches.
  void set_transfer_hint(const TransferHint& hint) { transfer_hint_ = hint; }

  // Tells what the team's next collective call is on this rank. Where ranks are real, returns a
  // number by which the same can be told again; 0 elsewhere, where every call has to be told.
  // Throws RunError when another rank is known to make another call in its place.
  std::uint64_t announce(const CallRecord& call) { return do_announce(call); }
  // Whether what was told under that number is still known, and so has been told again.
  [[nodiscard]] bool announce_again(std::uint64_t number) { return do_announce_again(number); }
  // A call, with the stamp of its record. What arrives through signals and packets until its end
  // says so: whoever waits for it and has not made the same calls fails, with both ranks' calls.
  void begin_call(std::uint64_t stamp) {
    ++calls_;
    history_ = history_after(history_, stamp);
    arrival_ = arrival_in(history_);
  }
  void end_call() { arrival_ = unstamped_arrival; }

  // Symmetric memory; every rank makes the same allocations in the same order. The name appears
  // in reports.
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
  // How many calls have begun, and what stands for all of them.
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::uint64_t history() const { return history_; }
  // One arrival, as a notify of now brings it.
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
  virtual bool do_is_in_window(const View&) const { return false; }
  [[nodiscard]] virtual HostFacts do_host() const { return {}; }
  [[nodiscard]] virtual std::optional<Picoseconds> do_foresee(const std::string&, int,
                                                              const std::function<void(Team&)>&) {
    return std::nullopt;
  }
  virtual std::unique_ptr<Device> do_split(const SplitEntry& own, SourcePlace place) = 0;
  virtual Window do_allocate(std::string_view name, std::size_t size_bytes) = 0;
  virtual SignalRow do_allocate_signals(std::string_view name, int count) = 0;
  // Where nothing is gained by doing better: memory, and a signal.
  virtual void do_put_packets(Rank peer, const Packets& to, const View& src, SourcePlace place);
  virtual void do_take_packets(const View& dst, const Packets& from, SourcePlace place);
  virtual void do_reduce_packets(const View& dst, const View& own, const PacketRow& from,
                                 ReduceOp op, SourcePlace place);
  virtual PacketRow do_allocate_packets(std::string_view name, int count);
  // Ends a verb that was called wrongly: throws, unless there is a better way. Does not return.
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
    const RankView &dst = dsts[0], &left = srcs[0], &right = srcs[1];  // by far the most
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
