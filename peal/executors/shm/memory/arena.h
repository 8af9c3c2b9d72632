// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "peal/base/alignment.h"
#include "peal/executors/shm/memory/part_size.h"
#include "peal/executors/shm/wait/waiter.h"
#include "peal/machine/signal.h"
#include "peal/run/run.h"

namespace peal {

// Folder memory/: the shared memory of a team. This file has its layout and its control block. Read
// next: part_size.h (how much memory a rank gets), pages.h (mapping and prefaulting), and
// device_memory.h (allocation for the devices of a worker).

// The life of a rank. `absent`: not started. `refused`: failed by a mistake of the caller, an Error
// that is not a RunError; `failed`: by anything else. `dead`: its process ended without a word.
enum class RankState : std::uint32_t { absent, running, finished, failed, refused, dead };

// Stores a text with a final zero, cut to what fits.
template <std::size_t Size, class Text>
void keep_text(char (&to)[Size], const Text& text) {
  to[text.copy(to, Size - 1)] = '\0';
}

// The wait that a rank sleeps in, as it publishes it for its peers.
struct SleepingWait {
  static constexpr std::size_t max_text = 256;
  std::uint64_t cell = 0;  // the signal's offset in the arena
  // The collective call of the wait, as in CallPosition; both 0 if the team has made none.
  std::uint64_t calls_place = 0, call_number = 0;
  std::uint32_t target = 0;
  std::uint32_t line = 0;
  char what[max_text] = {};
  char file[max_text] = {};
};

// One rank's entry of the control block, on cache lines of its own.
struct alignas(cache_line_bytes) RankControl {
  std::atomic<RankState> state{};
  std::atomic<std::int32_t> pid{};
  std::atomic<std::int32_t> processor{};  // the one it was last seen waiting on, plus one; or 0
  std::int64_t time_ns = 0;               // the run time of its program; valid once `finished`
  RankCounts counts;

  // The sequence number of `wait`, a seqlock with the rank as only writer: odd while the rank
  // sleeps in `wait`, even while `wait` may change. Each wait that sleeps has an odd number of its
  // own, on which the proof of a deadlock rests (wait/deadlock.cpp).
  alignas(cache_line_bytes) std::atomic<std::uint32_t> sleeps{};
  // True from shortly before the first sleep of a wait to the wait's end.
  std::atomic<bool> waits{};
  SleepingWait wait;
};

// One symmetric allocation of a team. All members must make it alike; the first one to come decides
// the offset, and the others compare (ShmMembership::allocate). `state` guards the other members:
// compare-exchange from 0 to 1 elects the writer, a release store of 2 or 3 publishes the record,
// and readers load it with acquire.
struct AllocationRecord {
  static constexpr std::size_t name_bytes = 40;
  std::atomic<std::uint32_t> state{};  // 0: unused, 1: being written, 2: written, 3: refused
  std::atomic<std::int32_t> writer{};  // the team's rank that was elected, plus one
  std::uint64_t size_bytes = 0;
  std::uint64_t offset = 0;  // in each member's part
  char name[name_bytes] = {};
};

// A team's allocations in order, as a linked list of chunks.
struct AllocationChunk {
  static constexpr std::size_t records_count = 63;
  AllocationRecord records[records_count];
  // The offset of the next chunk in the part of the team's first member, or 0. The writer of the
  // last record sets it before it publishes that record, so a rank that has read the record sees
  // it.
  alignas(cache_line_bytes) std::uint64_t next = 0;
};

// The head of the arena, which the ranks and the process that started them share; zero at first.
//
// Failure protocol. The first rank to fail wins a compare-exchange of `broken` from 0 to its number
// plus one; later failures change nothing. The winner then writes `text` and `state`, and publishes
// them by a release store to `has_text`. Readers load `broken`, then `has_text` with acquire, and
// only then `text`. If the winner dies between its two stores, readers give up on the text after a
// bounded number of looks. Nobody is woken: a waiter checks `broken` before each sleep, and a sleep
// lasts at most 0.1 s.
struct ShmControl {
  static constexpr std::size_t max_text = 4096;

  std::uint32_t magic = 0;
  std::int32_t ranks = 0;
  std::int32_t processors = 0;  // how many the ranks may use
  std::uint64_t part_bytes = 0;
  PartLimit part_limit{};         // what bounds `part_bytes`
  std::uint64_t cache_bytes = 0;  // all last-level caches of those processors together
  // True if one rank per cell may count its notifies by plain stores instead of atomic additions:
  // see SignalOwnerState and store_and_wake().
  bool has_single_writers = false;
  // The first rank that has failed or died, plus one; 0 if none has.
  alignas(cache_line_bytes) std::atomic<std::int32_t> broken{};
  // 0: no text yet; 1 (for_others): `text` is the winner's failure; 2 (for_all): every rank is to
  // throw `text` as it is, such as a deadlock.
  std::atomic<std::uint32_t> has_text{};
  RankState state{};
  char text[max_text] = {};
  SignalCell start;  // counts the ranks that are ready to begin
  // The bytes at the start of each part that symmetric allocations have taken.
  alignas(cache_line_bytes) std::atomic<std::uint64_t> symmetric_bytes{};
  AllocationChunk allocations;  // of the team of all ranks
};

// The memory that the processes of a team share: the control block, then one part of equal size for
// each rank. Symmetric memory lies at the same offset of every part, so a rank turns its own
// address into a peer's by adding a constant. The arena is a memfd, a file without a name: nothing
// stays behind, and no other process can open it. Pages are zero and allocated on first touch.
class ShmArena {
 public:
  static constexpr int max_ranks = 4096;

  // Makes an arena for 1 to max_ranks ranks. Throws Error if the system refuses.
  [[nodiscard]] static ShmArena make(int ranks);
  // Maps the arena in an open file, which another process got from make() and passed on, and takes
  // ownership of the file. Throws Error if the file is not such an arena, if it is one of another
  // version, or if its size is not that of its team's memory.
  [[nodiscard]] static ShmArena attach(int file);

  ShmArena(ShmArena&& other) noexcept;
  ShmArena& operator=(ShmArena&&) = delete;
  ~ShmArena();

  [[nodiscard]] ShmControl& control() const { return *control_; }
  [[nodiscard]] RankControl& rank(int rank) const { return ranks_[rank]; }
  [[nodiscard]] int ranks() const { return control_->ranks; }
  [[nodiscard]] int file() const { return file_; }
  [[nodiscard]] std::byte* part(int rank) const {
    return parts_ + static_cast<std::size_t>(rank) * part_bytes_;
  }
  [[nodiscard]] std::size_t part_bytes() const { return part_bytes_; }
  // The wait policy of the ranks if `others` more processes share their processors. Throws Error as
  // peal::wait_policy does.
  [[nodiscard]] WaitPolicy wait_policy(int others = 0) const {
    return peal::wait_policy(ranks() + others, control_->processors);
  }
  // The offset of a cell in the arena, which is valid in every process wherever it maps the arena;
  // and the cell at an offset.
  [[nodiscard]] std::uint64_t place_of(const SignalCell& cell) const {
    return static_cast<std::uint64_t>(reinterpret_cast<const std::byte*>(&cell) - memory_);
  }
  [[nodiscard]] SignalCell& cell_at(std::uint64_t place) const {
    return *reinterpret_cast<SignalCell*>(memory_ + place);
  }

  // Takes `size_bytes` at the same offset of every part, 64-byte aligned, and returns the offset.
  // Lock-free; any process may call it. Throws Error, with the name, if the parts are too small.
  [[nodiscard]] std::size_t take_symmetric(std::string_view name, std::size_t size_bytes) const;

  // Throws the Error of take_symmetric().
  [[noreturn]] void refuse_symmetric(std::string_view name, std::size_t size_bytes) const;

  // Records that the rank cannot go on, and why. Only the arena's first failure is kept. Every wait
  // ends within 0.1 s.
  void abort(int rank, RankState state, const std::string& why) const;
  // The same for a failure that every rank is to throw in the same words. Returns those words:
  // `why`, or, if another rank was first with such a failure, that rank's text.
  [[nodiscard]] std::string break_off_for_all(int rank, const std::string& why) const;
  // The text of the first failure; nullopt if there is none.
  [[nodiscard]] std::optional<std::string> failure() const;
  // True if every rank is to throw the text of failure() as it is.
  [[nodiscard]] bool is_for_all() const {
    return control_->has_text.load(std::memory_order_acquire) == for_all;
  }
  // Throws the first failure, if there is one: Error if that rank is `refused`, else RunError.
  void check_failure() const;
  // The rank that failed first, or -1.
  [[nodiscard]] int failed_rank() const { return control_->broken.load() - 1; }
  // Resets the states of the ranks and the failure. No rank may be running.
  void reset() const;
  // Zeroes a range of one rank's part; a long one by giving its pages back to the system.
  void clear(int rank, std::size_t offset, std::size_t size_bytes) const;
  // Frees all symmetric allocations at `offset` and above, and zeroes them.
  void restart_symmetric(std::size_t offset) const;
  // Closes the file. Processes that have mapped the memory keep it.
  void close_file();
  // Excludes the memory from processes that this one forks from now on. There, other mappings may
  // come to lie at its addresses, so they must not touch or unmap it: see is_mapped().
  void exclude_from_fork();
  // True if the memory is mapped in the calling process.
  [[nodiscard]] bool is_mapped() const;

 private:
  static constexpr std::uint32_t for_others = 1, for_all = 2;  // values of has_text
  ShmArena(int file, std::byte* memory, std::size_t size_bytes);
  // Throws Error unless the memory is that of a whole team, in the layout of this version.
  void check_attached() const;
  // Records a failure with its kind of text. Returns true if it is the first.
  bool tell(int rank, RankState state, const std::string& why, std::uint32_t kind) const;

  int file_ = -1;
  std::byte* memory_ = nullptr;
  std::size_t size_bytes_ = 0;
  ShmControl* control_ = nullptr;
  RankControl* ranks_ = nullptr;
  std::byte* parts_ = nullptr;
  std::size_t part_bytes_ = 0;
  pid_t owner_process_ = 0;  // the only process that has the memory; 0 if its children have it, too
};

}  // namespace peal
