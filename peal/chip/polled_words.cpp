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

// One stream for each unit of a core; notifies count as stores of the scalar unit.
constexpr std::size_t streams_of_core = pipe_count;

std::size_t stream_of(int core, Pipe pipe) {
  return static_cast<std::size_t>(core) * streams_of_core + static_cast<std::size_t>(pipe);
}

void raise(PolledWords::Clock& clock, std::size_t stream, std::uint32_t number) {
  if (clock.size() <= stream) clock.resize(stream + 1);
  clock[stream] = std::max(clock[stream], number);
}

void join(PolledWords::Clock& clock, const PolledWords::Knowledge& known) {
  if (known.clock == nullptr) return;  // the initial value of a word: nothing to know
  join(clock, *known.clock);
  raise(clock, known.stream, known.own);
}

bool knows(const PolledWords::Clock& clock, const PolledWords::Store& store) {
  return store.stream < clock.size() && store.number <= clock[store.stream];
}

}  // namespace

PolledWords::PolledWords(const Looks& looks) : looks_(looks) {
  for (const PolledWord& polled : looks.words) {
    Word& word = words_[polled.address];
    // If a word is read in several sizes, the largest one counts.
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
  Store store{.stream = stream, .number = ++streams_[stream].begun, .known = knowledge(core)};
  if (pipe == Pipe::scalar) raise(looker(core).clock, stream, store.number);
  return store;
}

// Compares and copies the clock without the core's own scalar component, which is kept apart, and
// puts the component back afterwards.
PolledWords::Knowledge PolledWords::knowledge(int core) {
  Looker& own = looker(core);
  const std::size_t stream = stream_of(core, Pipe::scalar);
  raise(own.clock, stream, 0);
  const std::uint32_t number = std::exchange(own.clock[stream], 0);
  if (own.last_known == nullptr || *own.last_known != own.clock) {
    own.last_known = std::make_shared<const Clock>(own.clock);
  }
  own.clock[stream] = number;
  return {own.last_known, stream, number};
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

void PolledWords::add_change(Word& word, Change change) {
  word.changes.push_back(std::move(change));
  if (word.changes.size() > word.max_kept) forget_old(word);
  for (int waiting : word.waiting) looker(waiting).goes_on = false;
  woken_.insert(woken_.end(), word.waiting.begin(), word.waiting.end());
  word.waiting.clear();
}

PolledWords::View& PolledWords::view(int core, const Word& word) {
  Looker& own = looker(core);
  View& view = own.views[&word];
  if (view.base >= word.first) return view;
  // Changes that this core had not seen were dropped. forget_old() drops only what every core has
  // seen or knows to be replaced, so the core knows a replacement that is kept: take_known() finds
  // it, and `bits` starts from there.
  view.base = word.first;
  view.others.erase(view.others.begin(), view.others.lower_bound(view.base));
  take_known(word, view, own.clock);
  return view;
}

// By (a) and (b), a core that looks again finds no change before its view's base, and none before
// the last replacement that it knows. The smaller index over all cores is a lower bound for what
// can still be found; earlier changes are dropped. The limit doubles with what has to stay, so that
// the scan is amortised.
void PolledWords::forget_old(Word& word) {
  std::size_t over = word.count();
  for (Looker& looker : lookers_) {
    const auto seen = looker.views.find(&word);
    std::size_t own = seen == looker.views.end() ? word.first : seen->second.base;
    for (std::size_t index = word.count(); index-- > std::max(own, word.first);) {
      const Change& change = word.at(index);
      if (change.is_sum || !knows(looker.clock, change.store)) continue;
      own = index;
      break;
    }
    over = std::min(over, own);
  }
  if (over > word.first) {
    word.changes.erase(word.changes.begin(),
                       word.changes.begin() + static_cast<std::ptrdiff_t>(over - word.first));
    word.first = over;
  }
  word.max_kept = std::max(word.max_kept, 2 * word.changes.size());
}

void PolledWords::note_arrival(const std::uint32_t* cell, const Knowledge& known) {
  join(arrived_[cell], known);
}

void PolledWords::note_wait(int core, const std::uint32_t* cell) {
  const auto known = arrived_.find(cell);
  if (known != arrived_.end()) learn(core, known->second);
}

void PolledWords::learn(int core, const Clock& clock) { join(looker(core).clock, clock); }

const Looks::Wanted* PolledWords::asked_for(int core) {
  const auto found = wanted_.find({static_cast<std::uint32_t>(core), looker(core).looks});
  return found == wanted_.end() ? nullptr : found->second;
}

const Looks::Wanted* PolledWords::wanted(int core, const Look& look) {
  const bool may_want =
      looks_.order == Looks::Order::late || looks_.order == Looks::Order::as_wanted;
  return may_want && !look.is_test ? asked_for(core) : nullptr;
}

std::optional<std::uint64_t> PolledWords::invention(int core, const Look& look) {
  if (looks_.order != Looks::Order::invented || look.is_test) return std::nullopt;
  const Looks::Wanted* const asked = asked_for(core);
  if (asked == nullptr) return std::nullopt;
  const Looker& own = looker(core);
  const std::size_t next = own.invented == own.looks ? own.inventions : 0;
  return next < asked->values.size() ? std::optional(asked->values[next]) : std::nullopt;
}

// How many looks of a loop in a row find the same value before they find another one.
std::uint32_t PolledWords::patience(const Look& look, bool is_wanted) const {
  constexpr std::uint32_t most = 64;
  const bool is_most =
      is_wanted ? looks_.order == Looks::Order::as_wanted : is_among(looks_.patient, look.place);
  return is_most ? most : looks_.patience;
}

std::uint64_t PolledWords::value(const Word& word, const View& view) {
  std::uint64_t bits = view.bits;
  for (std::size_t index : view.others) {
    const Change& change = word.at(index);
    bits = change.bits + (change.is_sum ? bits : 0);
  }
  return word_of(bits, word.size_bytes);
}

// Step 1: adds the change. Step 2, by (b): the last replacement up to the greatest index seen makes
// everything before it over, so the view's prefix ends there. Step 3: sums that directly follow the
// prefix and are in the view become part of it.
void PolledWords::take(const Word& word, View& view, Clock& clock, std::size_t index) {
  if (index < view.base || !view.others.insert(index).second) return;
  join(clock, word.at(index).store.known);
  for (std::size_t last = *view.others.rbegin() + 1; last-- > view.base;) {  // step 2
    const Change& change = word.at(last);
    if (change.is_sum) continue;
    view.bits = change.bits;
    view.base = last + 1;
    view.others.erase(view.others.begin(), view.others.lower_bound(view.base));
    join(clock, change.store.known);
    break;
  }
  while (!view.others.empty() && *view.others.begin() == view.base) {  // step 3
    view.bits += word.at(view.base++).bits;
    view.others.erase(view.others.begin());
  }
}

// One pass finds all known changes: `clock` is closed, so that taking a change that it includes
// adds nothing to it. The initial value has index 0 and is known to all.
void PolledWords::take_known(const Word& word, View& view, Clock& clock) {
  for (std::size_t index = view.base; index < word.count(); ++index) {
    if (index == 0 || knows(clock, word.at(index).store)) take(word, view, clock, index);
  }
}

std::optional<PolledWords::View> PolledWords::view_of(int core, const Word& word, View view,
                                                      const std::vector<std::uint64_t>& values,
                                                      bool is_newest) const {
  Clock clock = lookers_[static_cast<std::size_t>(core)].clock;
  std::optional<View> result;
  for (;;) {
    take_known(word, view, clock);
    if (std::find(values.begin(), values.end(), value(word, view)) != values.end()) {
      result = view;
      if (!is_newest) return result;
    }
    if (view.base == word.count()) return result;
    take(word, view, clock, view.base);
  }
}

// The first look of a loop is always answered, with an old value if need be: it cannot tell how new
// a value is. A repeated look is answered with a change that its core has not seen, or with the
// same value while the value's patience lasts; otherwise it waits. So a loop never spins in
// simulated time, and is shown the changes of the word one by one. Exceptions: a released core goes
// on with the old value; an invented value needs no change; a late look waits until it is released;
// a look that wants certain values waits until it can find one.
bool PolledWords::may_answer(int core, const Word& word, const Look& look) {
  Looker& own = looker(core);
  if (own.goes_on || invention(core, look)) return true;
  const Looks::Wanted* const wants = wanted(core, look);
  const View& view = this->view(core, word);
  const bool has_more = view.base < word.count();
  const bool is_wanted = wants != nullptr;
  if (is_wanted && looks_.order == Looks::Order::late) return own.is_released;
  if (look.again && view.showings < patience(look, is_wanted)) return true;
  if (is_wanted && !look.again) {
    return view_of(core, word, view, wants->values, false).has_value();
  }
  return !(look.again || look.in_turn) || has_more;
}

void PolledWords::park(int core, Word& word, bool again) {
  looker(core).parked = &word;
  looker(core).is_parked_again = again;
  word.waiting.push_back(core);
}

std::uint64_t PolledWords::expected(int core, const Word& word) {
  View view = this->view(core, word);
  Clock clock = looker(core).clock;
  take_known(word, view, clock);
  return value(word, view);
}

// In this order:
// 1. An invented value, which leaves the view as it is.
// 2. The core's view with all that the core knows by now (a). If the core was released and there is
//    no change left, or the value's patience lasts, that is all.
// 3. A first look that wants values: the view that has one of them. A late look finds the newest
//    such view, or else the value itself, since the sums of this run could have come in another
//    order; if it wants no value in particular, it finds all changes.
// 4. By schedule: a first look outside the known loops finds what memory holds.
// 5. A repeated look that has learned nothing new otherwise: the next change in memory's order.
std::uint64_t PolledWords::answer(int core, Word& word, const Look& look) {
  Looker& own = looker(core);
  std::erase(word.waiting, core);
  own.parked = nullptr;
  View& view = this->view(core, word);
  const auto make_up = [&](std::uint64_t bits) {  // answers with a value that no view has
    own.is_released = own.is_in_vain = own.goes_on = false;
    view.showings = 0;
    return bits;
  };
  if (const std::optional<std::uint64_t> invented = invention(core, look)) {  // step 1
    own.inventions = own.invented == own.looks ? own.inventions + 1 : 1;
    own.invented = own.looks;
    return make_up(*invented);
  }
  const bool goes_on = look.again || look.in_turn;
  const std::uint64_t before = value(word, view);
  const std::size_t seen = view.seen();
  const Looks::Wanted* const wants = wanted(core, look);
  const bool is_late = wants != nullptr && looks_.order == Looks::Order::late;
  const bool is_patient = look.again && view.showings < patience(look, wants != nullptr);
  take_known(word, view, own.clock);
  const auto take_all = [&] {
    while (view.base < word.count()) take(word, view, own.clock, view.base);
  };
  const bool is_stuck = own.goes_on && view.base == word.count();
  if (is_stuck || (is_patient && !is_late)) {
    // Step 2: the same value once more.
  } else if (wants != nullptr && !look.again) {  // step 3
    const auto wanted_view = view_of(core, word, view, wants->values, is_late);
    if (wanted_view) {
      for (std::size_t index = view.base; index < wanted_view->base; ++index) {
        take(word, view, own.clock, index);
      }
      for (std::size_t index : wanted_view->others) take(word, view, own.clock, index);
    } else if (is_late && !wants->values.empty()) {
      // Another order of the sums could make this value.
      return make_up(wants->values.front());
    } else if (is_late) {
      take_all();
    }
  } else if (looks_.order == Looks::Order::by_schedule && !goes_on &&
             !is_among(looks_.loops, look.place)) {  // step 4
    take_all();
  } else if (goes_on && view.seen() == seen && view.base < word.count()) {  // step 5
    take(word, view, own.clock, view.base);
    take_known(word, view, own.clock);
  }
  const bool is_new = view.seen() != seen || seen == 0;
  own.is_released = false;
  own.is_in_vain = goes_on && !is_new;
  own.goes_on = own.is_in_vain && own.goes_on;
  const std::uint64_t bits = value(word, view);
  view.showings = goes_on && bits == before ? view.showings + 1 : 1;
  return bits;
}

// No step is left: every core is finished, idle, parked at a word, or blocked. A late look is
// released here, because now the word is as new as it gets without this core. It is released alone,
// since what its core does next may change other words. Late looks that have a change left to find
// come first, then late looks that do not repeat the one before them. If there is neither, all
// parked cores go on with the values that they have: only a loop that ends by its own count, or
// that reads another word, can bring the run forward. If none does, give_up() follows.
std::vector<int> PolledWords::release() {
  if (has_given_up_) return {};
  std::vector<int> parked;
  for (std::size_t core = 0; core < lookers_.size(); ++core) {
    if (lookers_[core].parked != nullptr) parked.push_back(static_cast<int>(core));
  }
  for (const bool needs_news : {true, false}) {
    for (int core : parked) {
      Looker& own = looker(core);
      const bool is_late = looks_.order == Looks::Order::late && asked_for(core) != nullptr;
      const bool has_news = view(core, *own.parked).base < own.parked->count();
      if (!is_late || (needs_news ? !has_news : own.is_parked_again)) continue;
      own.is_released = true;
      return {core};
    }
  }
  for (int core : parked) looker(core).goes_on = true;
  return parked;
}

}  // namespace peal
