// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/rank_results.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/memory/memory_file.h"
#include "peal/executors/shm/memory/arena.h"
#include "peal/executors/shm/memory/part_size.h"

namespace peal {
namespace {

// Where a rank's result lies in the file.
struct ResultPlace {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};

// A file in memory, to which each rank's process appends its result, and the places of the results,
// which lie in memory that caller and ranks share. Unlike a pipe, a file needs no reader while it
// is written, and it takes any number of bytes.
class ResultFile {
 public:
  // For up to `ranks` ranks that later runs of the executor start.
  ResultFile(Executor& executor, std::size_t ranks) {
    static_assert(sizeof(Length) % alignof(ResultPlace) == 0);
    std::byte* const shared = executor.share(sizeof(Length) + ranks * sizeof(ResultPlace)).data();
    length_ = new (shared) Length(0);
    places_ = reinterpret_cast<ResultPlace*>(shared + sizeof(Length));
    for (std::size_t rank = 0; rank < ranks; ++rank) new (places_ + rank) ResultPlace();
    file_ = make_file();
  }
  ~ResultFile() { ::close(file_); }
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;

  // Called by the rank, once. Its process ends before the caller reads.
  void write(int rank, std::string_view bytes) const {
    const ResultPlace place{length_->fetch_add(bytes.size()), bytes.size()};
    places_[rank] = place;
    // Beyond this limit, the system would send SIGXFSZ.
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        place.offset + place.size_bytes > limit.rlim_cur) {
      refuse(place, "raise `ulimit -f` (RLIMIT_FSIZE), or return less");
    }
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t written = ::pwrite(file_, bytes.data() + done, bytes.size() - done,
                                       static_cast<off_t>(place.offset + done));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) refuse(place, explain_failure("pwrite", errno, "return less"));
      done += static_cast<std::size_t>(written);
    }
  }

  [[nodiscard]] std::string read(int rank) const {
    const ResultPlace& place = places_[rank];
    std::string bytes(place.size_bytes, '\0');
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t got = ::pread(file_, bytes.data() + done, bytes.size() - done,
                                  static_cast<off_t>(place.offset + done));
      if (got < 0 && errno == EINTR) continue;
      PEAL_CHECK(got > 0);
      done += static_cast<std::size_t>(got);
    }
    return bytes;
  }

 private:
  using Length = std::atomic<std::uint64_t>;
  static_assert(Length::is_always_lock_free);

  static int make_file() {
    const int file = make_memory_file("peal results", false);
    if (file >= 0) return file;
    throw UsageError(
        fmt::format("run_ranks: no file for the ranks' results can be made: {}",
                    explain_failure("memfd_create", errno, "raise the limit of `ulimit -n`")));
  }
  [[noreturn]] static void refuse(const ResultPlace& place, const std::string& why) {
    throw RunError(
        fmt::format("run_ranks: the result of {} bytes cannot be handed to the caller: {}",
                    place.size_bytes, why));
  }

  int file_ = -1;
  Length* length_ = nullptr;  // of the file
  ResultPlace* places_ = nullptr;
};

}  // namespace

std::vector<std::string> collect_from_ranks(Executor& executor, int ranks,
                                            const std::function<std::string(Team&)>& program,
                                            const RunOptions& options) {
  std::vector<std::string> results;
  if (executor.is_simulated()) {  // all ranks are in this process
    const auto run_and_keep = [&](Team& team) {
      std::string bytes = program(team);
      results.resize(static_cast<std::size_t>(team.size()));
      results[static_cast<std::size_t>(team.rank())] = std::move(bytes);
    };
    static_cast<void>(executor.run(ranks, run_and_keep, options));
    return results;
  }
  // The executor refuses other numbers of ranks.
  const ResultFile file(executor,
                        static_cast<std::size_t>(std::clamp(ranks, 0, ShmArena::max_ranks)));
  static_cast<void>(executor.run(
      ranks, [&](Team& team) { file.write(team.rank(), program(team)); }, options));
  for (int rank = 0; rank < ranks; ++rank) results.push_back(file.read(rank));
  return results;
}

}  // namespace peal
