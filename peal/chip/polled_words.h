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

// The words of a run that scalar code looks at while others change them: what has been done to
// each, what of that a core may still not have seen, and who waits for more.
//
// A look finds a value that the order of this run admits: made of what its core knows to have been
// done to the word, or has seen before, and of more as it looks again. Of adds those that are not
// known may all be late. That order is kept in vector clocks of what is done to such words, that of
// each pipe of a core apart: a wait is after all that had arrived, a look after what the core knew
// whose store it has seen when that began.
class PolledWords {
 public:
  explicit PolledWords(const Looks& looks);
  // Cores are those from 0 on.
  void add_core() { lookers_.emplace_back(); }

  using Clock = std::vector<std::uint32_t>;  // of each stream of stores, how many
  // What a core knew at some time. Its own scalar stores, which come often, are told apart, so that
  // what it knew of all others is kept once for many of them.
  struct Knowledge {
    std::shared_ptr<const Clock> clock = {};
    std::size_t stream = 0;
    std::uint32_t own = 0;
  };
  struct Store {
    std::size_t stream = SIZE_MAX;  // of a core and pipe
    std::uint32_t number = 0;       // among those of its stream, from 1
    Knowledge known = {};           // when it began
  };
  struct Change {
    std::uint64_t bits = 0;  // what the word is given, or is added to it
    bool is_sum = false;
    Store store = {};  // none of what a word holds at first
  };
  struct Word {
    std::byte* data = nullptr;
    std::uint32_t size_bytes = 0;
    bool is_opaque = false;    // it is changed in ways that are not followed
    std::vector<int> waiting;  // cores
    // None before somebody comes to it. Those before the first that is kept are over for all.
    std::vector<Change> changes = {};
    std::size_t first = 0;
    std::size_t max_kept = 64;

    [[nodiscard]] std::size_t count() const { return first + changes.size(); }
    [[nodiscard]] const Change& at(std::size_t index) const { return changes[index - first]; }
  };
  struct Look {
    bool again = false;    // it is the same as the one before it
    bool in_turn = false;  // or looks at several words, or more, come between
    bool is_test = false;  // with a comparison
    SourcePlace place;
  };

  // The word of exactly these bytes, or null.
  [[nodiscard]] Word* find(const void* address, std::size_t size_bytes);
  // Calls `visit(word)` for words that meet [begin, end), in the order of their addresses.
  template <class Visit>
  void words_in(const std::byte* begin, const std::byte* end, Visit&& visit) {
    auto word = words_.lower_bound(address_of(begin) - 7);
    for (; word != words_.end() && word->first < address_of(end); ++word) {
      if (word->first + word->second.size_bytes > address_of(begin)) visit(word->second);
    }
  }
  [[nodiscard]] static std::uint64_t read(const Word& word);

  // A store of a core to such words begins. What the scalar unit stores, it knows of from then on.
  [[nodiscard]] Store begin_store(int core, Pipe pipe);
  // It can be seen by others.
  void end_store(const Store& store);
  // A core has waited for what it has stored by its pipes, as far as that can be seen.
  void note_drained(int core);
  // A word has been changed in memory. Those who are to be woken are in `woken()`.
  void add_change(Word& word, Change change);
  [[nodiscard]] std::vector<int>& woken() { return woken_; }
  // What goes with signals: the sender's knowledge.
  [[nodiscard]] Knowledge knowledge(int core);
  void note_arrival(const std::uint32_t* cell, const Knowledge& known);
  void note_wait(int core, const std::uint32_t* cell);
  void learn(int core, const Clock& clock);

  // A look that is not the same as the one before it.
  void begin_look(int core) { ++looker(core).looks; }
  // Whether a look can be answered now; else its core waits, from `park` on.
  [[nodiscard]] bool may_answer(int core, const Word& word, const Look& look);
  void park(int core, Word& word, bool again);
  // What it finds.
  [[nodiscard]] std::uint64_t answer(int core, Word& word, const Look& look);
  // What a core would find, for what it has not looked at yet.
  [[nodiscard]] std::uint64_t expected(int core, const Word& word);
  // Whether the last look of a core has found nothing new, and is the same as before.
  [[nodiscard]] bool looks_in_vain(int core) { return looker(core).is_in_vain; }

  // Whether a core that was released goes on without finding anything new.
  [[nodiscard]] bool goes_on_in_vain(int core) { return looker(core).goes_on; }

  // Nobody else can go on: who of the waiting cores does, if any.
  [[nodiscard]] std::vector<int> release();
  // Looks go on without finding anything: nobody is to go on any more.
  void give_up() { has_given_up_ = true; }

 private:
  // What a core has seen of a word: all changes before `base`, which is the first that it has not,
  // and they make `bits`; and some others.
  struct View {
    std::size_t base = 0;
    std::uint64_t bits = 0;
    std::set<std::size_t> others = {};
    std::uint32_t showings = 0;  // of what it found last

    [[nodiscard]] std::size_t seen() const { return base + others.size(); }
  };
  struct Looker {
    Clock clock;
    std::shared_ptr<const Clock> last_known;  // as others keep it
    std::map<const Word*, View> views;
    Word* parked = nullptr;
    bool is_parked_again = false;  // with a look that is the same as the one before it
    std::uint32_t looks = 0;
    bool is_released = false;  // a late look is answered
    bool goes_on = false;      // without finding anything new
    bool is_in_vain = false;
    // The last look that was answered with what need not be in the word, and how often.
    std::uint32_t invented = 0, inventions = 0;
  };
  struct Stream {
    std::uint32_t begun = 0, visible = 0;
    std::set<std::uint32_t> visible_beyond;  // of stores with some before them that are not
  };
  [[nodiscard]] static std::uint64_t address_of(const void* address) {
    return reinterpret_cast<std::uint64_t>(address);
  }
  [[nodiscard]] Looker& looker(int core) { return lookers_[static_cast<std::size_t>(core)]; }
  // What the plan has for the look of a core, and for what it wants of memory.
  [[nodiscard]] const Looks::Wanted* asked_for(int core);
  [[nodiscard]] const Looks::Wanted* wanted(int core, const Look& look);
  // What is to be made up for a look next, if anything.
  [[nodiscard]] std::optional<std::uint64_t> invention(int core, const Look& look);
  [[nodiscard]] std::uint32_t patience(const Look& look, bool is_wanted) const;
  [[nodiscard]] static std::uint64_t value(const Word& word, const View& view);
  // What a core has seen of a word, as far as that is kept.
  [[nodiscard]] View& view(int core, const Word& word);
  // Forgets what nobody can find any more.
  void forget_old(Word& word);
  // Takes changes into the view, with all that whoever has seen them knows.
  static void take(const Word& word, View& view, Clock& clock, std::size_t index);
  static void take_known(const Word& word, View& view, Clock& clock);
  // The view in which a core finds one of these values, the newest or the first there is.
  [[nodiscard]] std::optional<View> view_of(int core, const Word& word, View view,
                                            const std::vector<std::uint64_t>& values,
                                            bool is_newest) const;

  Looks looks_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, const Looks::Wanted*> wanted_;
  std::map<std::uint64_t, Word> words_;
  std::deque<Looker> lookers_;   // by core
  std::vector<Stream> streams_;  // by core and pipe
  std::map<const std::uint32_t*, Clock> arrived_;
  std::vector<int> woken_;
  bool has_given_up_ = false;
};

}  // namespace peal
