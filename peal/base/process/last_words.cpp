// SPDX-License-Identifier: Apache-2.0
#include "peal/base/process/last_words.h"

#include <algorithm>

namespace peal {
namespace {

LastWords* current = nullptr;

template <std::size_t size>
void copy_text(char (&to)[size], std::string_view text) {
  const std::size_t count = std::min(text.size(), size - 1);
  std::copy_n(text.data(), count, to);
  to[count] = '\0';
}

}  // namespace

const char* text_of(Stall stall) {
  switch (stall) {
    case Stall::none:
      break;
    case Stall::waits:
      return "it waits for something of the system, such as a lock or a clock";
    case Stall::spins:
      return "it takes processor time without an instruction of the chip, and keeps the signals "
             "off "
             "that limit this";
    case Stall::stopped:
      return "it stops its process, as SIGSTOP does";
  }
  return "";
}

// Clears `is_set` first, so that a kill before the end leaves no half-written sentence set. That
// relies on stores being performed in program order, which a relaxed store alone does not demand.
void say_last(LastWords::Sentence& sentence, int rank, int core, std::string_view what,
              const LastWords::Place& place) {
  sentence.is_set.store(false, std::memory_order_relaxed);
  sentence.rank = rank;
  sentence.core = core;
  copy_text(sentence.what, what);
  copy_text(sentence.file, place.file);
  sentence.line = place.line;
  sentence.address = place.address;
  sentence.is_set.store(true, std::memory_order_release);
}

LastWords* last_words() { return current; }
void set_last_words(LastWords* words) { current = words; }

}  // namespace peal
