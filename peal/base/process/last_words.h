// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace peal {

// The way in which a process fails to make progress although its kernels should: it sleeps, it
// spins, or it is stopped.
enum class Stall : int { none, waits, spins, stopped };

// The sentence of a report for it, with the kernel as the subject: "it waits for ...".
[[nodiscard]] const char* text_of(Stall stall);

// A record in shared memory that a process running kernels writes and its watcher reads, because
// the process may crash or be killed at any time. Signal handlers write it, too, so there are no
// locks and no allocations: a member is an atomic, is published by one, or is set before the fork.
//
// - The process is the only writer of everything except `stall` and max_memory_bytes.
// - A Sentence is published: the writer clears `is_set`, writes the rest, and sets `is_set` with
//   release. The watcher loads it with acquire, which makes the rest visible to it.
// - The watcher reads the text only after it has waited for the process's end, so that no sentence
//   is rewritten while it is read. A process killed in the middle of a sentence has cleared
//   `is_set`, and the half-written text is ignored.
struct LastWords {
  static constexpr std::size_t max_bytes = 1024;

  // A FailurePlace without memory of its own, so that a signal handler can make one.
  struct Place {
    std::string_view file = {};
    std::uint32_t line = 0;
    std::uintptr_t address = 0;
  };
  // A statement about a kernel, and its place.
  struct Sentence {
    std::atomic<bool> is_set = false;
    int rank = 0, core = 0;
    char what[max_bytes] = {}, file[max_bytes] = {};
    std::uint32_t line = 0;
    std::uintptr_t address = 0;
  };
  // The kernel's mistake, which the process has found itself.
  Sentence failure;
  // The instruction that the run has reached. Set only if the run has a reader that records it
  // (search/place_recorder), because that costs time.
  Sentence place;

  // The number of waits in progress that are legitimate, such as for the compiler (RightfulWait).
  std::atomic<int> rightful_waits = 0;

  // guarded_seconds: the limit that the process enforces on its kernels, of processor time without
  // an instruction of the chip; 0 while no kernel runs. moves: a progress counter, which the
  // timer's handler changes while it enforces the limit and the kernels make progress. A kernel can
  // disable the handler, for example by blocking its signal, but then the counter stands still.
  std::atomic<double> guarded_seconds = 0;
  std::atomic<std::uint32_t> moves = 0;
  // Written by the watcher: the stall for which it ends the process. It sends SIGVTALRM first, so
  // that the process can report the line that the kernel is at.
  std::atomic<Stall> stall = Stall::none;

  // The limit of memory for the process, written before the fork; 0 if there is none.
  std::uint64_t max_memory_bytes = 0;
};

// Publishes a sentence, truncated to max_bytes - 1 per text. Safe in signal handlers.
void say_last(LastWords::Sentence& sentence, int rank, int core, std::string_view what,
              const LastWords::Place& place = {});

// The record of this process; nullptr if nobody watches it.
[[nodiscard]] LastWords* last_words();
void set_last_words(LastWords* words);

// Marks a legitimate wait: while it lives, the watcher does not report this process as stalled.
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
