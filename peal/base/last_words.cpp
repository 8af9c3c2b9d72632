// SPDX-License-Identifier: Apache-2.0
#include "peal/base/last_words.h"

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

void say_last(LastWords::Sentence& sentence, int rank, int core, std::string_view what,
              std::string_view where) {
  sentence.is_set.store(false, std::memory_order_relaxed);
  sentence.rank = rank;
  sentence.core = core;
  copy_text(sentence.what, what);
  copy_text(sentence.where, where);
  sentence.is_set.store(true, std::memory_order_release);
}

LastWords* last_words() { return current; }
void set_last_words(LastWords* words) { current = words; }

}  // namespace peal
