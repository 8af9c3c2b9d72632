// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/polled_words.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "peal/base/error.h"

namespace peal {
namespace {

void join(PolledWords::Clock& clock, const PolledWords::Clock& other) {
  if (clock.size() < other.size()) clock.resize(other.size());
  for (std::size_t i = 0; i < other.size(); ++i) clock[i] = std::max(clock[i], other[i]);
}

// The streams of a core: of its scalar unit, which also notifies, and of its pipes.
constexpr std::size_t streams_of_core = pipe_count;

std::size_t stream_of(int core, Pipe pipe) {
  return static_cast<std::size_t>(core) * streams_of_core + static_cast<std::size_t>(pipe);
}

void raise(PolledWords::Clock& clock, std::size_t stream, std::uint32_t number) {
  if (clock.size() <= stream) clock.resize(stream + 1);
  clock[stream] = std::max(clock[stream], number);
}

bool knows(const PolledWords::Clock& clock, const PolledWords::Store& store) {
  return store.stream < clock.size() && store.number <= clock[store.stream];
}

}  // namespace

PolledWords::PolledWords(const Looks& looks) : looks_(looks) {
  for (const PolledWord& polled : looks.words) {
    Word& word = words_[polled.address];
    // Of looks of several sizes the longest counts.
    word.size_bytes = std::max(word.size_bytes, polled.size_bytes);
    word.data = reinterpret_cast<std::byte*>(polled.address);
  }
  for (const Looks::Wanted& wanted : looks_.wanted) {
    wanted_[{wanted.core, wanted.number}] = &wanted;
  }
}

PolledWords::Word* PolledWords::find(const void* address, std::size_t size_bytes) {
  const auto word = words_.find(address_of(address));
  if (word == words_.end() || word->second.size_bytes != size_bytes || word->second.is_opaque) {
    return nullptr;
  }
  return &word->second;
}

std::uint64_t PolledWords::read(const Word& word) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, word.data, word.size_bytes);
  return bits;
}

PolledWords::Store PolledWords::begin_store(int core, Pipe pipe) {
  const std::size_t stream = stream_of(core, pipe);
  if (streams_.size() <= stream) streams_.resize(stream + 1);
  Looker& own = looker(core);
  Store store{.stream = stream, .number = ++streams_[stream].begun, .clock = own.clock};
  if (pipe == Pipe::scalar) raise(own.clock, stream, store.number);
  return store;
}

void PolledWords::end_store(const Store& store) {
  Stream& stream = streams_[store.stream];
  stream.visible_beyond.insert(store.number);
  while (stream.visible_beyond.erase(stream.visible + 1) != 0) ++stream.visible;
}

void PolledWords::note_drained(int core) {
  const std::size_t first = static_cast<std::size_t>(core) * streams_of_core;
  for (std::size_t stream = first; stream < first + streams_of_core; ++stream) {
    if (stream >= streams_.size() || streams_[stream].visible == 0) continue;
    raise(looker(core).clock, stream, streams_[stream].visible);
  }
}

void PolledWords::add_value(Word& word, const Store& store, bool is_sum) {
  Value value{.bits = read(word), .store = store};
  if (is_sum && !word.values.empty()) join(value.store.clock, word.values.back().store.clock);
  word.values.push_back(std::move(value));
  for (int waiting : word.waiting) {
    Looker& who = looker(waiting);
    who.goes_on = false;
    if (looks_.order != Looks::Order::newest_first) woken_.push_back(waiting);
  }
  if (looks_.order != Looks::Order::newest_first) word.waiting.clear();
}

void PolledWords::note_arrival(const std::uint32_t* cell, const Clock& clock) {
  join(arrived_[cell], clock);
}

void PolledWords::note_wait(int core, const std::uint32_t* cell) {
  const auto known = arrived_.find(cell);
  if (known != arrived_.end()) learn(core, known->second);
}

void PolledWords::learn(int core, const Clock& clock) { join(looker(core).clock, clock); }

// Whether looks find each value in turn, and not what memory holds.
bool PolledWords::takes_turns(bool again, SourcePlace place) const {
  if (looks_.order != Looks::Order::by_schedule) return true;
  return again || std::any_of(looks_.loops.begin(), looks_.loops.end(), [&](const SkippedSync& at) {
           return at.line == place.line && at.file == std::string_view(place.file);
         });
}

bool PolledWords::may_answer(int core, const Word& word, bool again, SourcePlace place) {
  Looker& own = looker(core);
  if (own.goes_on && again) return true;
  if (looks_.order == Looks::Order::newest_first) return own.released;
  if (!again || !takes_turns(again, place)) return true;
  const auto found = own.found.find(&word);
  return found == own.found.end() || found->second + 1 < word.values.size();
}

void PolledWords::park(int core, Word& word, bool again) {
  Looker& own = looker(core);
  own.parked = &word;
  own.again = again;
  word.waiting.push_back(core);
}

std::size_t PolledWords::oldest(int core, const Word& word) {
  const Looker& own = looker(core);
  const auto found = own.found.find(&word);
  const std::size_t least = found == own.found.end() ? 0 : found->second;
  std::size_t index = word.values.size() - 1;
  for (; index > least; --index) {
    if (knows(own.clock, word.values[index].store)) break;
  }
  return index;
}

// The newest value that a look is wanted to find, or else the newest.
std::size_t PolledWords::newest(int core, const Word& word, bool again) {
  Looker& own = looker(core);
  const std::size_t last = word.values.size() - 1;
  const auto wanted = wanted_.find({static_cast<std::uint32_t>(core), own.looks});
  if (wanted == wanted_.end()) return last;
  const std::vector<std::uint64_t>& values = wanted->second->values;
  const std::size_t first = again ? own.found[&word] + 1 : oldest(core, word);
  for (std::size_t index = last + 1; index-- > first;) {
    const std::uint64_t bits = word.values[index].bits;
    if (std::find(values.begin(), values.end(), bits) != values.end()) return index;
  }
  return last;
}

std::size_t PolledWords::answer(int core, Word& word, bool again, SourcePlace place) {
  Looker& own = looker(core);
  std::erase(word.waiting, core);
  own.parked = nullptr;
  std::size_t index = word.values.size() - 1;
  if (looks_.order == Looks::Order::newest_first) {
    index = newest(core, word, again);
  } else if (takes_turns(again, place)) {
    index = again ? std::min(index, own.found[&word] + 1) : oldest(core, word);
  }
  own.released = false;
  own.goes_on = again && index == own.found[&word];
  find_value(core, word, index);
  return index;
}

void PolledWords::find_value(int core, const Word& word, std::size_t index) {
  Looker& own = looker(core);
  std::size_t& found = own.found[&word];
  found = std::max(found, index);
  learn(core, word.values[index].store.clock);
}

bool PolledWords::has_news(const Looker& looker) const {
  if (!looker.again) return true;
  const auto found = looker.found.find(looker.parked);
  return found == looker.found.end() || found->second + 1 < looker.parked->values.size();
}

std::vector<int> PolledWords::release() {
  if (has_given_up_) return {};
  std::vector<int> parked;
  for (std::size_t core = 0; core < lookers_.size(); ++core) {
    if (lookers_[core].parked != nullptr) parked.push_back(static_cast<int>(core));
  }
  std::stable_partition(parked.begin(), parked.end(),
                        [&](int core) { return core != static_cast<int>(looks_.slow_core); });
  if (looks_.order == Looks::Order::newest_first) {
    for (int core : parked) {
      if (!has_news(looker(core))) continue;
      looker(core).released = true;
      return {core};
    }
  }
  for (int core : parked) looker(core).goes_on = true;
  return parked;
}

}  // namespace peal
