// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <vector>

#include "peal/chip/agenda.h"
#include "peal/chip/polled_words.h"
#include "peal/chip/regions.h"
#include "peal/chip/tile_operation.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"
#include "peal/run/event.h"
#include "peal/run/platform.h"
#include "peal/run/run.h"

namespace peal {

class Core;

// Switches between the run's loop and the programs of the scalar units, one fiber per core.
class ProgramSwitch {
 public:
  virtual ~ProgramSwitch() = default;
  virtual void resume(int core) = 0;   // called by the run's loop
  virtual void suspend(int core) = 0;  // called by the program itself
  // The usable bytes of the stack that the program runs on.
  [[nodiscard]] virtual std::span<std::byte> stack(int core) = 0;
  // Called by the program itself: ends it without unwinding; resume() rethrows `failure`.
  [[noreturn]] virtual void abandon(int core, std::exception_ptr failure) = 0;
};

// The global memory of all ranks: one range, cut into consecutive parts of equal power-of-two size.
// An address outside the range counts as owned by the rank that uses it (`self`).
struct MemoryMap {
  std::byte* base = nullptr;
  unsigned part_shift = 0;  // log2 of a rank's part
  int ranks = 0;

  [[nodiscard]] int owner(const std::byte* address, int self) const {
    const auto offset =
        reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(base);
    const std::uintptr_t part = offset >> part_shift;
    return part < static_cast<std::uintptr_t>(ranks) ? static_cast<int>(part) : self;
  }
  // The address at the same offset in the peer's part.
  [[nodiscard]] std::byte* translate(std::byte* address, int self, int peer) const {
    return address + (static_cast<std::ptrdiff_t>(peer - self) * (std::ptrdiff_t{1} << part_shift));
  }
};

// The state that the cores of a run share: global memory, links, stores and signals in flight, the
// agenda, and the readers of events.
class Fabric {
 public:
  struct Settings {
    const Platform& platform;
    Agenda& agenda;
    ProgramSwitch& programs;
    MemoryMap memory;
    const Regions& regions;
    bool values = true;
    std::span<EventReader* const> readers;
    std::span<const KernelLine> skipped = {};
    const Looks* looks = nullptr;
  };

  explicit Fabric(const Settings& settings);
  ~Fabric();

  // Adds a core of `rank`; its index is the number of cores before it. `on_chip` is the core's
  // on-chip memory, which starts with the unified buffer.
  Core& add_core(int rank, std::byte* on_chip);
  [[nodiscard]] Core& core(int index) { return *cores_[static_cast<std::size_t>(index)]; }
  [[nodiscard]] int core_count() const { return static_cast<int>(cores_.size()); }

  // Takes the next step of the agenda. Returns false if there is none, even after parked looks were
  // released. Then every core is finished, parked, or blocked for good: nothing is in flight, a
  // pipe that could execute would be a step, and what a blocked core waits for only a step can
  // change.
  bool step();

  // The number of failed polls since the last step that was not a scalar one (see
  // LookHistory::note_failed_poll).
  void count_failed_poll() { ++failed_polls_; }
  [[nodiscard]] std::uint64_t failed_polls() const { return failed_polls_; }

  [[nodiscard]] Picoseconds now() const { return now_; }
  [[nodiscard]] const Platform& platform() const { return settings_.platform; }
  [[nodiscard]] const MemoryMap& memory() const { return settings_.memory; }
  [[nodiscard]] const Regions& regions() const { return settings_.regions; }
  [[nodiscard]] Agenda& agenda() { return settings_.agenda; }
  [[nodiscard]] ProgramSwitch& programs() { return settings_.programs; }
  [[nodiscard]] bool values() const { return settings_.values; }
  [[nodiscard]] bool observed() const { return !settings_.readers.empty(); }
  // True if the synchronisation at this source line is left out of the run.
  [[nodiscard]] bool is_skipped(SourcePlace place) const {
    return !settings_.skipped.empty() && is_among(settings_.skipped, place);
  }
  void emit(const Event& event) const {
    for (EventReader* reader : settings_.readers) reader->read(event);
  }

  // The words that scalar code polls; null if the run has none.
  [[nodiscard]] PolledWords* polled() const { return polled_.get(); }
  // The polled word of exactly these bytes, or null.
  [[nodiscard]] PolledWords::Word* polled_word(const void* address, std::size_t size_bytes) const {
    return polled_ == nullptr ? nullptr : polled_->find(address, size_bytes);
  }
  // Wakes the cores parked at words that have changed.
  void wake_lookers();

  // Occupies the link from one rank to another for `duration`, from `earliest` or the end of the
  // link's last transfer on; returns the time at which this transfer ends.
  Picoseconds use_link(int from, int to, Picoseconds earliest, Picoseconds duration);

  struct StoreInFlight {
    int core = 0;
    Pipe pipe{};
    std::uint32_t sequence = 0;  // of the pipe's stores
    std::byte* dst = nullptr;
    std::uint32_t count = 0;
    DType dtype{};
    ReduceOp op{};
    bool atomic = false;
    bool took_effect = false;  // memory has the bytes already; visibility is still to be reported
    bool is_free = false;      // the slot is unused
    SourcePlace place;
    std::vector<GlobalRun> runs;  // of a tile; empty for `count` elements from `dst` on
    std::vector<std::byte> data;  // keeps its capacity when the slot is reused
    PolledWords::Store polled;    // number 0 unless the store changes polled words
  };
  // Returns a slot for a store that becomes visible at `time`; the caller fills it.
  StoreInFlight& send_store(Picoseconds time);

  // Store-to-load forwarding, for a core's load from its own rank's memory: its executed stores in
  // flight that overlap `loaded` take effect now, in order. To other cores they merely become
  // visible early, which is allowed at any time after their execution.
  void forward_own_stores(int core, std::span<const GlobalRun> loaded);

  struct SignalInFlight {
    int core = 0;  // of the notifier
    std::uint32_t* cell = nullptr;
    std::uint32_t value = 0;
    NotifyOp op{};
    bool awaited = false;  // counts in awaits_arrival()
    SourcePlace place;
    // If signals of one core keep their order: the slot of the core's next signal, which becomes a
    // step only when this one arrives; -1 if there is none.
    int next = -1;
    Picoseconds time = 0;
  };
  void send_signal(Picoseconds time, const SignalInFlight& signal);
  // True if signals in flight have to arrive before the core's next access may take effect: those
  // to its own rank, and all of them on platforms with ordered signals.
  [[nodiscard]] bool awaits_arrival(int core) const {
    const auto index = static_cast<std::size_t>(core);
    return index < awaited_.size() && awaited_[index] != 0;
  }
  [[nodiscard]] bool has_signals_in_flight() const {
    return free_signals_.size() != signals_.size();
  }

 private:
  void arrive(int slot);
  void give_values(const StoreInFlight& store);
  void become_visible(int slot);
  void take_effect(StoreInFlight& store);

  Settings settings_;
  Picoseconds now_ = 0;
  std::uint64_t failed_polls_ = 0;
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<std::vector<int>> cores_of_rank_;
  // [from * ranks + to]: the end of the link's last transfer. Mapped lazily, since it is ranks^2.
  std::span<Picoseconds> link_free_;
  std::vector<StoreInFlight> stores_;
  std::vector<int> free_stores_;
  std::vector<SignalInFlight> signals_;
  std::vector<int> free_signals_;
  std::vector<int> awaited_;       // by core: its awaited signals in flight
  std::vector<int> last_signals_;  // by core: the slot of its last signal in flight, or -1
  std::unique_ptr<PolledWords> polled_;
  std::vector<PolledWords::Store> signal_stores_;  // by signal slot, if the run has polled words
};

}  // namespace peal
