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

// What has become of a rank.
// `refused` is a failure by a mistake of the caller.
enum class RankState : std::uint32_t { absent, running, finished, failed, refused, dead };

// Keeps as much of a text as fits.
template <std::size_t Size, class Text>
void keep_text(char (&to)[Size], const Text& text) {
  to[text.copy(to, Size - 1)] = '\0';
}

// A rank's wait that has begun to sleep.
struct SleepingWait {
  static constexpr std::size_t max_text = 256;
  std::uint64_t cell = 0;  // the signal's place in the arena
  // The call in which it is: see CallPosition; 0 where it is in none.
  std::uint64_t calls_place = 0, call_number = 0;
  std::uint32_t target = 0;
  std::uint32_t line = 0;
  char what[max_text] = {};
  char file[max_text] = {};
};

// A rank's lines of the control block.
struct alignas(cache_line_bytes) RankControl {
  std::atomic<RankState> state{};
  std::atomic<std::int32_t> pid{};
  std::atomic<std::int32_t> processor{};  // that it was last seen waiting on, plus one
  std::int64_t time_ns = 0;               // of its program; set when it has finished
  RankCounts counts;

  // Odd while `wait` sleeps, which changes only while it is even.
  alignas(cache_line_bytes) std::atomic<std::uint32_t> sleeps{};
  // Whether it is in a wait that has slept or is going to.
  std::atomic<bool> waits{};
  SleepingWait wait;
};

// One allocation that all members of a team have to make alike; the first that comes decides.
struct AllocationRecord {
  static constexpr std::size_t name_bytes = 40;
  std::atomic<std::uint32_t> state{};  // 0: nobody's, 1: being written, 2: written, 3: refused
  std::atomic<std::int32_t> writer{};  // the rank of the team that writes it, plus one
  std::uint64_t size_bytes = 0;
  std::uint64_t offset = 0;  // in each member's part
  char name[name_bytes] = {};
};

// Some of a team's allocations, in their order.
struct AllocationChunk {
  static constexpr std::size_t records_count = 63;
  AllocationRecord records[records_count];
  // Where the next chunk lies in the part of the team's first member. Set before the last record is
  // written.
  alignas(cache_line_bytes) std::uint64_t next = 0;
};

// What the ranks and whoever started them share, beside the windows. All zero at first.
struct ShmControl {
  static constexpr std::size_t max_text = 4096;

  std::uint32_t magic = 0;
  std::int32_t ranks = 0;
  std::int32_t processors = 0;  // that the ranks may use
  std::uint64_t part_bytes = 0;
  PartLimit part_limit{};         // what bounds those
  std::uint64_t cache_bytes = 0;  // of the last-level caches of those, all together
  // Whether a rank may store what it counts in a cell where nobody else does, without waiting until
  // others see it.
  bool has_single_writers = false;
  // The first rank that has failed or died, plus one. Nobody waits any more then.
  alignas(cache_line_bytes) std::atomic<std::int32_t> broken{};
  std::atomic<std::uint32_t> has_text{};  // 1: `text` says why, and `state` how; 2: to all ranks
  RankState state{};
  char text[max_text] = {};
  SignalCell start;  // ranks that are ready to begin
  // How much of each part is taken by symmetric allocations.
  alignas(cache_line_bytes) std::atomic<std::uint64_t> symmetric_bytes{};
  AllocationChunk allocations;  // of all ranks together
};

// One range of memory that several processes share: the control block, and an equal part for each
// rank, in which symmetric windows lie at the same offsets. It lies in a file without a name, so
// that nothing stays behind and nobody else can open it. Pages are zero, and taken on first touch.
class ShmArena {
 public:
  static constexpr int max_ranks = 4096;

  // Makes one. Throws Error when the system refuses.
  [[nodiscard]] static ShmArena make(int ranks);
  // Maps the one of an open file, which make() of another process has made, and takes the file.
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
  // How its ranks wait, and others beside them on the same processors. Throws Error as
  // peal::wait_policy does.
  [[nodiscard]] WaitPolicy wait_policy(int others = 0) const {
    return peal::wait_policy(ranks() + others, control_->processors);
  }
  // The place of a cell, which is the same for all who map the arena wherever they do; and back.
  [[nodiscard]] std::uint64_t place_of(const SignalCell& cell) const {
    return static_cast<std::uint64_t>(reinterpret_cast<const std::byte*>(&cell) - memory_);
  }
  [[nodiscard]] SignalCell& cell_at(std::uint64_t place) const {
    return *reinterpret_cast<SignalCell*>(memory_ + place);
  }

  // Takes so many bytes at the same place of every part, 64-byte aligned; returns where. Throws
  // Error, with the name, when the parts do not suffice.
  [[nodiscard]] std::size_t take_symmetric(std::string_view name, std::size_t size_bytes) const;

  // Throws that Error.
  [[noreturn]] void refuse_symmetric(std::string_view name, std::size_t size_bytes) const;

  // Says that the rank cannot go on, and why; the first one counts. Nobody waits from then on.
  void abort(int rank, RankState state, const std::string& why) const;
  // The same of what all ranks say in the same words; returns them, which are another rank's where
  // that one was the first.
  [[nodiscard]] std::string break_off_for_all(int rank, const std::string& why) const;
  // Why nobody can go on; nothing as long as everybody can.
  [[nodiscard]] std::optional<std::string> failure() const;
  // Whether that is for all ranks to say.
  [[nodiscard]] bool is_for_all() const {
    return control_->has_text.load(std::memory_order_acquire) == for_all;
  }
  // Throws that as an Error, where a rank has refused, or a RunError.
  void check_failure() const;
  // The rank that has failed first, or -1.
  [[nodiscard]] int failed_rank() const { return control_->broken.load() - 1; }
  // Forgets what has become of the ranks, none of which runs any more.
  void reset() const;
  // Zeroes what lies there in one rank's part, and gives memory back where that is worth it.
  void clear(int rank, std::size_t offset, std::size_t size_bytes) const;
  // Lets the symmetric allocations begin there; those of before are gone and zero again.
  void restart_symmetric(std::size_t offset) const;
  // Closes the file; the memory stays with those processes that have it.
  void close_file();
  // Keeps the memory out of processes that this one forks from now on. What lies at its addresses
  // there is another thing.
  void exclude_from_fork();
  // Whether this process has the memory.
  [[nodiscard]] bool is_mapped() const;

 private:
  static constexpr std::uint32_t for_others = 1, for_all = 2;  // what the text is
  ShmArena(int file, std::byte* memory, std::size_t size_bytes);
  // Whether this is the first to say so.
  bool tell(int rank, RankState state, const std::string& why, std::uint32_t kind) const;

  int file_ = -1;
  std::byte* memory_ = nullptr;
  std::size_t size_bytes_ = 0;
  ShmControl* control_ = nullptr;
  RankControl* ranks_ = nullptr;
  std::byte* parts_ = nullptr;
  std::size_t part_bytes_ = 0;
  pid_t owner_process_ = 0;  // the process that keeps it to itself
};

}  // namespace peal
