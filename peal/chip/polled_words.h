// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "peal/machine/pipe.h"
#include "peal/machine/run.h"

namespace peal {

// The words of a run that scalar code looks at while others change them: which values each has had,
// which of these a core may still find, and who waits for another one.
//
// A look finds a value that the order of this run admits: none older than what its core knows to
// have been stored, or has found before. That order is kept in vector clocks of the stores to such
// words, those of each pipe of a core apart: a wait is after all that had arrived, a look after
// what the core knew whose store it found when that began.
class PolledWords {
 public:
  explicit PolledWords(const Looks& looks);

  using Clock = std::vector<std::uint32_t>;  // of each stream of stores, how many
  struct Store {
    std::size_t stream = SIZE_MAX;  // of a core and pipe
    std::uint32_t number = 0;       // among those of its stream, from 1
    Clock clock;                    // what its core knew when it began
  };
  struct Value {
    std::uint64_t bits = 0;
    Store store = {};  // none of what a word holds at first
  };
  struct Word {
    std::byte* data = nullptr;
    std::uint32_t size_bytes = 0;
    std::vector<Value> values;  // none before somebody comes to it
    bool is_opaque = false;     // it is changed in ways that are not followed
    std::vector<int> waiting;   // cores
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
  // A word has got another value in memory. Those who are to be woken are in `woken()`.
  void add_value(Word& word, const Store& store, bool is_sum);
  [[nodiscard]] std::vector<int>& woken() { return woken_; }
  // What goes with signals and tasks: the sender's knowledge.
  [[nodiscard]] const Clock& knowledge(int core) { return looker(core).clock; }
  void note_arrival(const std::uint32_t* cell, const Clock& clock);
  void note_wait(int core, const std::uint32_t* cell);
  void learn(int core, const Clock& clock);

  // Whether a look can be answered now; else its core waits, from `park` on.
  [[nodiscard]] bool may_answer(int core, const Word& word, bool again, SourcePlace place);
  void park(int core, Word& word, bool again);
  // A look that is not the same as the one before it.
  void begin_look(int core) { ++looker(core).looks; }
  // The value that it finds, by its number among the word's.
  [[nodiscard]] std::size_t answer(int core, Word& word, bool again, SourcePlace place);
  // The oldest that a core may find. Whoever finds one knows its store.
  [[nodiscard]] std::size_t oldest(int core, const Word& word);
  void find_value(int core, const Word& word, std::size_t index);
  // Whether the last look of a core has found nothing new, and could not.
  [[nodiscard]] bool looks_in_vain(int core) { return looker(core).goes_on; }

  // Nobody else can go on: who of the waiting cores does, if any.
  [[nodiscard]] std::vector<int> release();
  // Looks go on without finding anything: nobody is to go on any more.
  void give_up() { has_given_up_ = true; }

 private:
  struct Looker {
    Clock clock;
    std::map<const Word*, std::size_t> found;
    Word* parked = nullptr;
    bool again = false;  // parked with a look that is the same as before
    std::uint32_t looks = 0;
    bool released = false;  // it may find the newest value
    bool goes_on = false;   // without finding anything new
  };
  [[nodiscard]] static std::uint64_t address_of(const void* address) {
    return reinterpret_cast<std::uint64_t>(address);
  }
  [[nodiscard]] Looker& looker(int core) {
    while (lookers_.size() <= static_cast<std::size_t>(core)) lookers_.emplace_back();
    return lookers_[static_cast<std::size_t>(core)];
  }
  [[nodiscard]] std::size_t newest(int core, const Word& word, bool again);
  [[nodiscard]] bool takes_turns(bool again, SourcePlace place) const;
  [[nodiscard]] bool has_news(const Looker& looker) const;

  Looks looks_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, const Looks::Wanted*> wanted_;
  std::map<std::uint64_t, Word> words_;
  struct Stream {
    std::uint32_t begun = 0, visible = 0;
    std::set<std::uint32_t> visible_beyond;  // of stores with some before them that are not
  };
  std::deque<Looker> lookers_;   // by core
  std::vector<Stream> streams_;  // by core and pipe
  std::map<const std::uint32_t*, Clock> arrived_;
  std::vector<int> woken_;
  bool has_given_up_ = false;
};

}  // namespace peal
