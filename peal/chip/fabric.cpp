// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/fabric.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "peal/base/error.h"
#include "peal/chip/core/core.h"
#include "peal/machine/arithmetic.h"

namespace peal {

Fabric::Fabric(const Settings& settings) : settings_(settings) {
  const auto ranks = static_cast<std::size_t>(settings.memory.ranks);
  void* memory = ::mmap(nullptr, ranks * ranks * sizeof(Picoseconds), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  link_free_ = {static_cast<Picoseconds*>(memory), ranks * ranks};
  cores_of_rank_.resize(ranks);
  if (settings.looks != nullptr && !settings.looks->words.empty()) {
    polled_ = std::make_unique<PolledWords>(*settings.looks);
  }
}

Fabric::~Fabric() { ::munmap(link_free_.data(), link_free_.size_bytes()); }

Core& Fabric::add_core(int rank, std::byte* on_chip) {
  const int index = core_count();
  cores_.push_back(std::make_unique<Core>(*this, rank, index, on_chip));
  cores_of_rank_[static_cast<std::size_t>(rank)].push_back(index);
  if (polled_ != nullptr) polled_->add_core();
  return *cores_.back();
}

// The agenda is empty only when every core is finished, parked or blocked. Cores blocked at a look
// may then be released; look_changed() adds a step for each of them, so the loop takes one.
bool Fabric::step() {
  StepId step;
  Picoseconds time = 0;
  while (!settings_.agenda.take(time, step)) {
    if (polled_ == nullptr) return false;
    const std::vector<int> released = polled_->release();
    if (released.empty()) return false;
    for (int each : released) core(each).look_changed(now_);
  }
  now_ = time;
  if (step.kind() != StepId::Kind::scalar) failed_polls_ = 0;
  switch (step.kind()) {
    case StepId::Kind::scalar:
      core(step.index()).scalar_step(time);
      break;
    case StepId::Kind::pipe:
      core(step.index()).pipe_step(static_cast<Pipe>(step.pipe()), time);
      break;
    case StepId::Kind::visible:
      become_visible(step.index());
      break;
    case StepId::Kind::arrival:
      arrive(step.index());
      break;
  }
  return true;
}

Picoseconds Fabric::use_link(int from, int to, Picoseconds earliest, Picoseconds duration) {
  const auto ranks = static_cast<std::size_t>(settings_.memory.ranks);
  Picoseconds& free =
      link_free_[static_cast<std::size_t>(from) * ranks + static_cast<std::size_t>(to)];
  free = std::max(free, earliest) + duration;
  return free;
}

Fabric::StoreInFlight& Fabric::send_store(Picoseconds time) {
  if (free_stores_.empty()) {
    free_stores_.push_back(static_cast<int>(stores_.size()));
    stores_.emplace_back();
  }
  const int slot = free_stores_.back();
  free_stores_.pop_back();
  settings_.agenda.add(time, StepId::visible(slot));
  StoreInFlight& store = stores_[static_cast<std::size_t>(slot)];
  store.took_effect = store.is_free = false;
  store.polled = {};
  return store;
}

void Fabric::wake_lookers() {
  for (int each : std::exchange(polled_->woken(), {})) core(each).look_changed(now_);
}

void Fabric::give_values(const StoreInFlight& store) {
  const GlobalRun whole{store.dst, store.data.size()};
  const std::span<const GlobalRun> runs =
      store.runs.empty() ? std::span(&whole, 1) : std::span<const GlobalRun>(store.runs);
  for (const GlobalRun& run : runs) {
    polled_->words_in(run.data, run.data + run.size_bytes, [&](PolledWords::Word& word) {
      polled_->add_change(word, {.bits = PolledWords::read(word), .store = store.polled});
    });
  }
  polled_->end_store(store.polled);
  wake_lookers();
}

void Fabric::take_effect(StoreInFlight& store) {
  if (!settings_.values || store.took_effect) return;
  store.took_effect = true;
  if (!store.runs.empty()) {
    const std::byte* values = store.data.data();
    for (const GlobalRun& run : store.runs) {
      if (store.atomic) {
        combine(store.dtype, store.op, run.data, run.data, values,
                run.size_bytes / size_bytes(store.dtype));
      } else {
        std::memcpy(run.data, values, run.size_bytes);
      }
      values += run.size_bytes;
    }
  } else if (store.atomic) {
    combine(store.dtype, store.op, store.dst, store.dst, store.data.data(), store.count);
  } else {
    std::memcpy(store.dst, store.data.data(), store.data.size());
  }
  if (polled_ != nullptr && store.polled.number != 0) give_values(store);
}

void Fabric::forward_own_stores(int core, std::span<const GlobalRun> loaded) {
  const auto meets = [&](const GlobalRun& written) {
    return std::any_of(loaded.begin(), loaded.end(), [&](const GlobalRun& run) {
      return run.data < written.data + written.size_bytes &&
             written.data < run.data + run.size_bytes;
    });
  };
  std::vector<StoreInFlight*> missed;
  for (StoreInFlight& store : stores_) {
    if (store.is_free || store.took_effect || store.core != core) continue;
    const GlobalRun whole{store.dst, store.data.size()};
    const std::span<const GlobalRun> written =
        store.runs.empty() ? std::span(&whole, 1) : std::span<const GlobalRun>(store.runs);
    if (std::any_of(written.begin(), written.end(), meets)) missed.push_back(&store);
  }
  std::sort(missed.begin(), missed.end(), [](const StoreInFlight* a, const StoreInFlight* b) {
    return static_cast<std::int32_t>(a->sequence - b->sequence) < 0;
  });
  for (StoreInFlight* store : missed) take_effect(*store);
}

void Fabric::become_visible(int slot) {
  StoreInFlight& store = stores_[static_cast<std::size_t>(slot)];
  Core& from = core(store.core);
  take_effect(store);
  store.is_free = true;
  if (observed()) {
    emit({.kind = EventKind::store_visible,
          .pipe = store.pipe,
          .rank = from.rank(),
          .core = store.core,
          .peer = settings_.memory.owner(store.dst, from.rank()),
          .begin = now_,
          .end = now_,
          .address = reinterpret_cast<std::uint64_t>(store.dst),
          .size_bytes = store.count * size_bytes(store.dtype),
          .value = static_cast<std::int64_t>(store.sequence),
          .place = store.place});
  }
  free_stores_.push_back(slot);
  from.store_visible(store.pipe, store.sequence, now_);
}

void Fabric::send_signal(Picoseconds time, const SignalInFlight& signal) {
  if (free_signals_.empty()) {
    free_signals_.push_back(static_cast<int>(signals_.size()));
    signals_.emplace_back();
  }
  const int slot = free_signals_.back();
  free_signals_.pop_back();
  SignalInFlight& own = signals_[static_cast<std::size_t>(slot)];
  own = signal;
  own.next = -1;
  own.time = time;
  if (polled_ != nullptr) {
    signal_stores_.resize(signals_.size());
    PolledWords::Store& store = signal_stores_[static_cast<std::size_t>(slot)];
    store = {};
    const bool is_polled = polled_->find(signal.cell, sizeof *signal.cell) != nullptr;
    if (is_polled) store = polled_->begin_store(signal.core, Pipe::scalar);
    store.known = polled_->knowledge(signal.core);
  }
  awaited_.resize(cores_.size());
  if (signal.awaited) ++awaited_[static_cast<std::size_t>(signal.core)];
  if (settings_.platform.switches.signals_in_order) {
    last_signals_.resize(cores_.size(), -1);
    int& last = last_signals_[static_cast<std::size_t>(signal.core)];
    const bool is_first = last < 0;
    if (!is_first) signals_[static_cast<std::size_t>(last)].next = slot;
    last = slot;
    if (!is_first) return;
  }
  settings_.agenda.add(time, StepId::arrival(slot));
}

void Fabric::arrive(int slot) {
  const SignalInFlight signal = signals_[static_cast<std::size_t>(slot)];
  free_signals_.push_back(slot);
  if (signal.next >= 0) {
    const Picoseconds time = signals_[static_cast<std::size_t>(signal.next)].time;
    settings_.agenda.add(std::max(time, now_), StepId::arrival(signal.next));
  } else if (!last_signals_.empty()) {
    int& last = last_signals_[static_cast<std::size_t>(signal.core)];
    if (last == slot) last = -1;
  }
  if (signal.op == NotifyOp::add) {
    *signal.cell += signal.value;
  } else {
    *signal.cell = signal.value;
  }
  if (polled_ != nullptr) {
    const PolledWords::Store& store = signal_stores_[static_cast<std::size_t>(slot)];
    polled_->note_arrival(signal.cell, store.known);
    if (PolledWords::Word* const word = polled_->find(signal.cell, sizeof *signal.cell)) {
      polled_->add_change(
          *word, {.bits = signal.value, .is_sum = signal.op == NotifyOp::add, .store = store});
      wake_lookers();
    }
  }
  const int from_rank = core(signal.core).rank();
  const int to_rank =
      settings_.memory.owner(reinterpret_cast<const std::byte*>(signal.cell), from_rank);
  if (observed()) {
    emit({.kind = EventKind::notify_arrived,
          .pipe = Pipe::scalar,
          .op = signal.op,
          .rank = from_rank,
          .core = signal.core,
          .peer = to_rank,
          .begin = now_,
          .end = now_,
          .address = reinterpret_cast<std::uint64_t>(signal.cell),
          .size_bytes = sizeof(std::uint32_t),
          .value = static_cast<std::int32_t>(signal.value),
          .place = signal.place});
  }
  for (int waiter : cores_of_rank_[static_cast<std::size_t>(to_rank)]) {
    core(waiter).cell_changed(signal.cell, now_);
  }
  if (!signal.awaited) return;
  if (--awaited_[static_cast<std::size_t>(signal.core)] == 0) {
    core(signal.core).signals_arrived(now_);
  }
}

}  // namespace peal
