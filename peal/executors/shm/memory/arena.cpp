// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/memory/arena.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "peal/base/alignment.h"
#include "peal/base/error.h"
#include "peal/base/memory/machine_memory.h"
#include "peal/base/memory/memory_file.h"
#include "peal/executors/shm/memory/pages.h"
#include "peal/executors/shm/memory/part_size.h"
#include "peal/executors/shm/processors.h"

namespace peal {
namespace {

// The first word of an arena: three letters, and the version of the control block's layout. Add one
// to the version whenever the layout changes.
constexpr std::uint32_t letters = 0x50454100, layout_version = 78;
constexpr std::uint32_t version_mask = 0xff;
static_assert(layout_version <= version_mask);

static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

std::size_t head_bytes(int ranks) {
  const std::size_t bytes =
      sizeof(ShmControl) + static_cast<std::size_t>(ranks) * sizeof(RankControl);
  return round_up(bytes, huge_page_bytes);
}
// The size of an arena whose ranks have parts of that size.
std::size_t arena_bytes(int ranks, std::size_t part_bytes) {
  return head_bytes(ranks) + static_cast<std::size_t>(ranks) * part_bytes;
}

// Throws Error after the system call `call` has failed with errno.
[[noreturn]] void refuse(int ranks, const std::string& what, const char* call,
                         const std::string& limit) {
  throw UsageError(
      fmt::format("shm: {} for {} ranks: {}", what, ranks, explain_failure(call, errno, limit)));
}

constexpr const char* no_team = "is no team's memory; start the program with `peal launch`";

// Throws Error for the file that attach() was given.
[[noreturn]] void refuse_file(const std::string& why) {
  throw UsageError("shm: the open file that was passed on " + why);
}

// Closes a file and preserves errno.
void close_after_error(int file) {
  const int code = errno;
  ::close(file);
  errno = code;
}

}  // namespace

ShmArena::ShmArena(int file, std::byte* memory, std::size_t size_bytes)
    : file_(file),
      memory_(memory),
      size_bytes_(size_bytes),
      control_(std::launder(reinterpret_cast<ShmControl*>(memory))),
      ranks_(std::launder(reinterpret_cast<RankControl*>(memory + sizeof(ShmControl)))) {}

ShmArena ShmArena::make(int ranks) {
  if (ranks < 1 || ranks > max_ranks) {
    throw UsageError(fmt::format("shm: {} ranks; it takes 1 to {}", ranks, max_ranks));
  }
  const PartSize part = part_size(ranks, head_bytes(ranks), memory_limits(), wanted_part_bytes());
  const std::size_t size_bytes = arena_bytes(ranks, part.bytes);
  // Ranks that are programs of their own inherit it.
  const int file = make_memory_file("peal", true);
  if (file < 0) {
    refuse(ranks, "no memory file can be made", "memfd_create",
           "use fewer ranks, or raise the limit of `ulimit -n`");
  }
  // part_size() keeps the length within RLIMIT_FSIZE: beyond it, the system sends SIGXFSZ.
  if (::ftruncate(file, static_cast<off_t>(size_bytes)) != 0) {
    close_after_error(file);
    refuse(ranks, fmt::format("the memory file cannot be made {} bytes long", size_bytes),
           "ftruncate", "use fewer ranks, or set PEAL_SHM_BYTES lower");
  }
  std::byte* const memory = map_shared_file(file, size_bytes);
  if (memory == nullptr) {
    close_after_error(file);
    refuse(ranks, fmt::format("the address space of {} bytes cannot be reserved", size_bytes),
           "mmap", "raise `ulimit -v` (RLIMIT_AS), use fewer ranks, or set PEAL_SHM_BYTES lower");
  }
  ShmArena arena(file, memory, size_bytes);
  new (memory) ShmControl{};
  for (int rank = 0; rank < ranks; ++rank) new (arena.ranks_ + rank) RankControl{};
  arena.control_->ranks = ranks;
  arena.control_->processors = usable_processors();
  arena.control_->cache_bytes = shared_cache_bytes(arena.control_->processors);
  // With more ranks than processors, waits often sleep, and each sleep would pay for a membarrier.
  arena.control_->has_single_writers = ranks <= arena.control_->processors && can_use_membarrier();
  arena.control_->part_bytes = arena.part_bytes_ = part.bytes;
  arena.control_->part_limit = part.limit;
  arena.parts_ = memory + head_bytes(ranks);
  arena.control_->magic = letters | layout_version;
  return arena;
}

ShmArena ShmArena::attach(int file) {
  const off_t size = ::lseek(file, 0, SEEK_END);
  if (size < static_cast<off_t>(sizeof(ShmControl))) {
    ::close(file);
    refuse_file(no_team);
  }
  std::byte* const memory = map_shared_file(file, static_cast<std::size_t>(size));
  if (memory == nullptr) {
    close_after_error(file);
    throw UsageError(
        fmt::format("shm: the address space of {} bytes for the team's memory cannot be reserved: "
                    "{}",
                    size,
                    explain_failure("mmap", errno,
                                    "raise `ulimit -v` (RLIMIT_AS), or set PEAL_SHM_BYTES lower "
                                    "where the ranks are started")));
  }
  ShmArena arena(file, memory, static_cast<std::size_t>(size));
  arena.check_attached();
  arena.part_bytes_ = arena.control_->part_bytes;
  arena.parts_ = memory + head_bytes(arena.control_->ranks);
  return arena;
}

void ShmArena::check_attached() const {
  const std::uint32_t magic = control_->magic;
  if ((magic & ~version_mask) != letters) {
    refuse_file(no_team);
  }
  if (magic != (letters | layout_version)) {
    refuse_file(
        fmt::format("is a team's memory of version {}, and this program has version {}; start it "
                    "with `peal launch` of the same installation",
                    magic & version_mask, layout_version));
  }
  const int ranks = control_->ranks;
  const std::size_t expected = arena_bytes(ranks, control_->part_bytes);
  if (ranks < 1 || ranks > max_ranks || size_bytes_ != expected) {
    refuse_file(
        fmt::format("has {} bytes, and the memory of its team of {} ranks has {}; start "
                    "the program with `peal launch`",
                    size_bytes_, ranks, expected));
  }
}

ShmArena::ShmArena(ShmArena&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      memory_(std::exchange(other.memory_, nullptr)),
      size_bytes_(other.size_bytes_),
      control_(other.control_),
      ranks_(other.ranks_),
      parts_(other.parts_),
      part_bytes_(other.part_bytes_),
      owner_process_(other.owner_process_) {}

ShmArena::~ShmArena() {
  if (memory_ != nullptr && is_mapped()) ::munmap(memory_, size_bytes_);
  if (file_ >= 0) ::close(file_);
}

std::size_t ShmArena::take_symmetric(std::string_view name, std::size_t size_bytes) const {
  std::atomic<std::uint64_t>& used = control_->symmetric_bytes;
  std::uint64_t before = used.load();
  do {
    if (size_bytes > part_bytes() - before) refuse_symmetric(name, size_bytes);
  } while (!used.compare_exchange_weak(
      before, std::min<std::uint64_t>(part_bytes(), before + in_cache_lines(size_bytes))));
  return before;
}

void ShmArena::refuse_symmetric(std::string_view name, std::size_t size_bytes) const {
  const PartLimit limit = control_->part_limit;
  throw UsageError(
      fmt::format("window `{}` of {} bytes does not fit into the {} bytes that are left of a "
                  "rank's {}; use fewer "
                  "ranks or smaller buffers{}",
                  name, size_bytes, part_bytes() - control_->symmetric_bytes.load(), part_bytes(),
                  limit == PartLimit::none ? "" : ", or " + way_out(limit)));
}

// The writer's side of ShmControl's failure protocol; failure() is the reader's.
bool ShmArena::tell(int rank, RankState state, const std::string& why, std::uint32_t kind) const {
  std::int32_t nobody = 0;
  if (!control_->broken.compare_exchange_strong(nobody, rank + 1)) return false;
  const std::size_t length = std::min(why.size(), ShmControl::max_text - 1);
  std::memcpy(control_->text, why.data(), length);
  control_->text[length] = '\0';
  control_->state = state;
  control_->has_text.store(kind, std::memory_order_release);
  return true;
}

void ShmArena::abort(int rank, RankState state, const std::string& why) const {
  ranks_[rank].state.store(state);
  tell(rank, state, why, for_others);
}

std::string ShmArena::break_off_for_all(int rank, const std::string& why) const {
  if (tell(rank, RankState::failed, why, for_all)) return why;
  const std::string first = failure().value();
  return is_for_all() ? first : why;
}

std::optional<std::string> ShmArena::failure() const {
  const std::int32_t broken = control_->broken.load(std::memory_order_acquire);
  if (broken == 0) return std::nullopt;
  // The rank that set `broken` writes its text next, unless it dies before.
  constexpr int max_looks = 1000;
  const auto has_text = [&] { return control_->has_text.load(std::memory_order_acquire) != 0; };
  for (int look = 0; look < max_looks && !has_text(); ++look) ::sched_yield();
  if (!has_text()) {
    return fmt::format("rank {} has failed", broken - 1);
  }
  return control_->text;
}

void ShmArena::check_failure() const {
  const std::optional<std::string> why = failure();
  if (!why) return;
  if (control_->state == RankState::refused) throw UsageError(*why);
  throw RunError(*why);
}

void ShmArena::reset() const {
  for (int rank = 0; rank < ranks(); ++rank) {
    ranks_[rank].state.store(RankState::absent);
    ranks_[rank].processor.store(0);
    ranks_[rank].sleeps.store(0);
    ranks_[rank].waits.store(false);
  }
  control_->has_text.store(0);
  control_->broken.store(0);
}

void ShmArena::clear(int rank, std::size_t offset, std::size_t size_bytes) const {
  constexpr std::size_t min_given_back = std::size_t{256} * 1024;
  std::byte* const data = part(rank) + offset;
  if (size_bytes < min_given_back) {
    std::memset(data, 0, size_bytes);
    return;
  }
  const std::size_t first = round_up(offset, page_size_bytes()) - offset;
  const std::size_t last = (offset + size_bytes) / page_size_bytes() * page_size_bytes() - offset;
  if (::madvise(data + first, last - first, MADV_REMOVE) != 0) {
    std::memset(data, 0, size_bytes);
    return;
  }
  std::memset(data, 0, first);
  std::memset(data + last, 0, size_bytes - last);
}

void ShmArena::restart_symmetric(std::size_t offset) const {
  const std::size_t used = control_->symmetric_bytes.load();
  for (int rank = 0; rank < ranks() && used > offset; ++rank) clear(rank, offset, used - offset);
  control_->symmetric_bytes.store(offset);
}

void ShmArena::exclude_from_fork() {
  ::madvise(memory_, size_bytes_, MADV_DONTFORK);
  owner_process_ = ::getpid();
}

bool ShmArena::is_mapped() const { return owner_process_ == 0 || owner_process_ == ::getpid(); }

void ShmArena::close_file() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

}  // namespace peal
