// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace peal {

// How a process stands still whose kernels should come on.
enum class Stall : int { none, waits, spins, stopped };

// What a report says of it, of the kernel: "it waits for ...".
[[nodiscard]] const char* text_of(Stall stall);

// What a process that runs kernels leaves for the process that watches it, in memory that both
// share: it may end, or be ended, at any time without a chance to say more. Written and read
// without locks or allocations, so that handlers of signals may.
struct LastWords {
  static constexpr std::size_t max_bytes = 1024;

  // What is known of a mistake of a kernel, in whole sentences; `where` is "file:line" or empty.
  struct Sentence {
    std::atomic<bool> is_set = false;
    int rank = 0, core = 0;
    char what[max_bytes] = {}, where[max_bytes] = {};
  };
  Sentence failure;
  // Where the run was when it was last heard of: an instruction, of which a watcher is told only
  // where it asks for that, because it costs time.
  Sentence place;

  // Whether the process waits, rightly, for something of ours, such as the compiler.
  std::atomic<int> rightful_waits = 0;

  // Of the limit that the process itself keeps on its kernels: processor time without an
  // instruction of the chip, 0 while no kernel runs; and a number that changes while the limit is
  // kept and the kernels come on. A kernel can take the limit away, by blocking a signal for
  // example, but it cannot make this number change.
  std::atomic<double> guarded_seconds = 0;
  std::atomic<std::uint32_t> moves = 0;
  // What the watcher has found, and ends the process for; it sends SIGVTALRM first, so that the
  // process may say in which line the kernel is.
  std::atomic<Stall> stall = Stall::none;

  // How much memory the process may use; 0 without a limit.
  std::uint64_t max_memory_bytes = 0;
};

// Sets a sentence, cut to what there is room for.
void say_last(LastWords::Sentence& sentence, int rank, int core, std::string_view what,
              std::string_view where);

// Those of this process; nullptr where nobody watches it.
[[nodiscard]] LastWords* last_words();
void set_last_words(LastWords* words);

// While it lives, whoever watches this process does not take its standing still for a mistake of a
// kernel.
class RightfulWait {
 public:
  RightfulWait() : words_(last_words()) {
    if (words_ != nullptr) ++words_->rightful_waits;
  }
  ~RightfulWait() {
    if (words_ != nullptr) --words_->rightful_waits;
  }
  RightfulWait(const RightfulWait&) = delete;
  RightfulWait& operator=(const RightfulWait&) = delete;

 private:
  LastWords* words_;
};

}  // namespace peal
