// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "peal/run/pipe.h"
#include "peal/run/run.h"

namespace peal {

// The words of a run that scalar code polls while others change them: the history of each word, the
// part of it that each core has seen, and the cores that wait for more.
//
// A look (a read of such a word) need not find the newest value. It finds one that the memory model
// admits, so that one run shows a polling loop the older values, too.
//
// Happens-before is kept as a vector clock per core, with one component per stream: the stores to
// polled words that one unit of a core (its scalar unit, or a pipe) makes, numbered from 1. A core
// *knows* a store if its clock includes the store's number. A core's clock grows when
// - its scalar unit stores: it knows that store at once;
// - it drains its pipes: it knows the visible prefix of each of its own streams;
// - a wait is satisfied: it knows what the notifiers of all arrivals at the cell knew;
// - a look finds a store: it knows what the storing core knew when the store began, as a release
//   store read by an acquire load would give. The store itself it has seen at this word only.
// Clocks are transitively closed: a clock that includes a store includes what the storing core knew
// when the store began. Each rule keeps that, since it joins closed clocks, or adds a core's own
// store, before which the core knew no more than now.
//
// Coherence limits a look at a word. Its changes are numbered in the order in which memory took
// them. A change is a replacement, or a sum that commutes with other sums.
// (a) A look includes every change that its core knows, and every change that it has seen before.
// (b) What precedes an included replacement is over: a look never finds less than that replacement.
// (c) A sum that is neither known nor seen may be missing even if a later sum is included, because
//     the two could have arrived in the other order.
// A View is a set of changes with these properties. A repeated look extends it by at least one
// change if there is one, except while a value's patience lasts (see may_answer and answer).
class PolledWords {
 public:
  explicit PolledWords(const Looks& looks);
  // Adds the next core; cores are numbered from 0.
  void add_core() { lookers_.emplace_back(); }

  using Clock = std::vector<std::uint32_t>;  // by stream: the number of stores known
  // A snapshot of a core's clock: `clock`, with component `stream` replaced by `own`. Scalar stores
  // are frequent and change only their own component, so many snapshots share one `clock`.
  struct Knowledge {
    std::shared_ptr<const Clock> clock = {};
    std::size_t stream = 0;
    std::uint32_t own = 0;
  };
  struct Store {
    std::size_t stream = SIZE_MAX;  // of a core and pipe
    std::uint32_t number = 0;       // within its stream, from 1
    Knowledge known = {};           // what its core knew when the store began
  };
  struct Change {
    std::uint64_t bits = 0;  // the new value, or the addend if `is_sum`
    bool is_sum = false;
    Store store = {};  // default for the initial value, which no store gave
  };
  struct Word {
    std::byte* data = nullptr;
    std::uint32_t size_bytes = 0;
    bool is_opaque = false;    // changed partly or atomically: its values are not tracked
    std::vector<int> waiting;  // cores parked at this word
    // The history, in the order in which memory took the changes; empty before the first
    // instruction that concerns the word. changes[0] has index `first`: earlier ones are dropped,
    // because no core can find them any more.
    std::vector<Change> changes = {};
    std::size_t first = 0;
    std::size_t max_kept = 64;

    [[nodiscard]] std::size_t count() const { return first + changes.size(); }
    [[nodiscard]] const Change& at(std::size_t index) const { return changes[index - first]; }
  };
  struct Look {
    bool again = false;    // repeats the core's look directly before it
    bool in_turn = false;  // repeats a look with looks at other words, or other work, between
    bool is_test = false;  // a poll of a signal, which compares the value itself
    SourcePlace place;
  };

  // The word that has exactly these bytes, or null; null also for an opaque word.
  [[nodiscard]] Word* find(const void* address, std::size_t size_bytes);
  // Calls `visit(word)` for the words that intersect [begin, end), in the order of their addresses.
  template <class Visit>
  void words_in(const std::byte* begin, const std::byte* end, Visit&& visit) {
    auto word = words_.lower_bound(address_of(begin) - 7);
    for (; word != words_.end() && word->first < address_of(end); ++word) {
      if (word->first + word->second.size_bytes > address_of(begin)) visit(word->second);
    }
  }
  [[nodiscard]] static std::uint64_t read(const Word& word);

  // Begins a store of a core to polled words, when it is issued. A store of the scalar unit is
  // known to its core from then on.
  [[nodiscard]] Store begin_store(int core, Pipe pipe);
  // Marks a store of a pipe as visible.
  void end_store(const Store& store);
  // A core has waited for its pipes: it knows the visible prefix of each of its own streams.
  void note_drained(int core);
  // Appends a change that memory has taken, and unparks the word's waiting cores into woken().
  void add_change(Word& word, Change change);
  [[nodiscard]] std::vector<int>& woken() { return woken_; }
  // A signal carries its sender's knowledge: note_arrival() joins it to the cell's clock, and
  // note_wait() joins the cell's clock to that of the core whose wait is satisfied.
  [[nodiscard]] Knowledge knowledge(int core);
  void note_arrival(const std::uint32_t* cell, const Knowledge& known);
  void note_wait(int core, const std::uint32_t* cell);
  void learn(int core, const Clock& clock);

  // Counts a look that does not repeat the one before it; Looks::Wanted::number is this count.
  void begin_look(int core) { ++looker(core).looks; }
  // True if a look can be answered now. Otherwise its core parks at the word and asks again when it
  // is woken or released.
  [[nodiscard]] bool may_answer(int core, const Word& word, const Look& look);
  void park(int core, Word& word, bool again);
  // The value that the look finds. Extends the core's view. Precondition: may_answer().
  [[nodiscard]] std::uint64_t answer(int core, Word& word, const Look& look);
  // The value that a core would find by what it knows, without counting as a look.
  [[nodiscard]] std::uint64_t expected(int core, const Word& word);
  // True if the core's last look repeated an earlier one and found no change that it had not seen.
  [[nodiscard]] bool looks_in_vain(int core) { return looker(core).is_in_vain; }

  // True if the core was released and has found nothing new since.
  [[nodiscard]] bool goes_on_in_vain(int core) { return looker(core).goes_on; }

  // Called when no step is left: returns the parked cores that shall look again, if any.
  [[nodiscard]] std::vector<int> release();
  // Ends all releases, because the released cores have found nothing new for too long.
  void give_up() { has_given_up_ = true; }

 private:
  // The changes of a word that a core has seen: all before index `base`, which together make
  // `bits`, and those in `others`, whose indices are greater than `base`.
  struct View {
    std::size_t base = 0;
    std::uint64_t bits = 0;
    std::set<std::size_t> others = {};
    std::uint32_t showings = 0;  // how often in a row the last value was found

    [[nodiscard]] std::size_t seen() const { return base + others.size(); }
  };
  struct Looker {
    Clock clock;
    std::shared_ptr<const Clock> last_known;  // the latest snapshot, as Knowledge shares it
    std::map<const Word*, View> views;
    Word* parked = nullptr;        // the word that it is parked at
    bool is_parked_again = false;  // with a look that repeats the one before it
    std::uint32_t looks = 0;       // that do not repeat the one before them
    bool is_released = false;      // its late look may be answered
    bool goes_on = false;          // released, and has found nothing new since
    bool is_in_vain = false;       // see looks_in_vain()
    // The last look that was answered with invented values, and how many of them it has found.
    std::uint32_t invented = 0, inventions = 0;
  };
  struct Stream {
    std::uint32_t begun = 0, visible = 0;    // stores 1..visible are visible
    std::set<std::uint32_t> visible_beyond;  // visible stores that follow an invisible one
  };
  [[nodiscard]] static std::uint64_t address_of(const void* address) {
    return reinterpret_cast<std::uint64_t>(address);
  }
  [[nodiscard]] Looker& looker(int core) { return lookers_[static_cast<std::size_t>(core)]; }
  // The plan's entry for a core's current look, or null; wanted() returns it only for orders that
  // answer from memory (`late`, `as_wanted`).
  [[nodiscard]] const Looks::Wanted* asked_for(int core);
  [[nodiscard]] const Looks::Wanted* wanted(int core, const Look& look);
  // The next value to invent for the look, if the order is `invented` and one is left.
  [[nodiscard]] std::optional<std::uint64_t> invention(int core, const Look& look);
  [[nodiscard]] std::uint32_t patience(const Look& look, bool is_wanted) const;
  [[nodiscard]] static std::uint64_t value(const Word& word, const View& view);
  // The core's view of a word, brought forward to the changes that are still kept.
  [[nodiscard]] View& view(int core, const Word& word);
  // Drops the changes that no core can find any more.
  void forget_old(Word& word);
  // take() adds change `index` to the view, and what its store knew to `clock`; take_known() adds
  // every change that `clock` includes.
  static void take(const Word& word, View& view, Clock& clock, std::size_t index);
  static void take_known(const Word& word, View& view, Clock& clock);
  // Extends `view` until its value is one of `values`: the first such view, or with `is_newest` the
  // last one; none if no extension has such a value.
  [[nodiscard]] std::optional<View> view_of(int core, const Word& word, View view,
                                            const std::vector<std::uint64_t>& values,
                                            bool is_newest) const;

  Looks looks_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, const Looks::Wanted*> wanted_;
  std::map<std::uint64_t, Word> words_;
  std::deque<Looker> lookers_;   // by core
  std::vector<Stream> streams_;  // by core and pipe
  // By signal cell: what the notifiers of its arrivals knew.
  std::map<const std::uint32_t*, Clock> arrived_;
  std::vector<int> woken_;
  bool has_given_up_ = false;
};

}  // namespace peal
