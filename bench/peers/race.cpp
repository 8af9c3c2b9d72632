// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/race.h"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <tuple>

#include "bench/peers/clock.h"
#include "bench/peers/rank_set.h"
#include "peal/base/error.h"
#include "peal/executors/shm/processors.h"

namespace peal::peers {
namespace {

using Clock = std::chrono::steady_clock;

// If the buffers of all contestants together exceed this size, they are released after each batch.
constexpr std::uint64_t kept_bytes = std::uint64_t{3} << 30;
constexpr std::uint64_t batch_limit_ns = 150'000'000;
// After the first round, a contestant that takes more than `hopeless` times as long as the best of
// its kind is measured in every eighth round only, because no table shows it.
constexpr std::uint64_t rare_rounds = 8;
constexpr double hopeless = 2;

// How long to wait for other work to pause before a batch, and after it for the ranks to fall
// asleep. All these waits take at most 1/patience_share of the run.
constexpr std::chrono::milliseconds begin_patience{20}, end_patience{2};
constexpr int patience_share = 5;

// The temporary folder of this run. A child process, the heir, removes it if this process is
// killed, once all processes that might write to it have ended.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "peal-peers-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      throw UsageError(fmt::format("no folder can be made in {}; set TMPDIR to another",
                                   std::filesystem::temp_directory_path().string()));
    }
    path_ = name;
    try {
      start_heir();
    } catch (...) {
      remove();
      throw;
    }
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    remove();
    ::kill(heir_, SIGKILL);
    ::waitpid(heir_, nullptr, 0);
    ::close(held_);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void remove() const {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  // The heir reads from a pipe of which every process started from here inherits the write end. So
  // it sees end-of-file exactly when the last of them has ended.
  void start_heir() {
    int ends[2];
    if (::pipe(ends) != 0 || (heir_ = ::fork()) < 0) {
      throw UsageError(
          fmt::format("the run cannot be started: {}; raise the limits of `ulimit -u` and "
                      "`ulimit -n`",
                      std::strerror(errno)));
    }
    held_ = ends[1];
    if (heir_ != 0) {
      ::close(ends[0]);
      return;
    }
    ::setpgid(0, 0);  // so that Ctrl-C on the terminal does not reach the heir
    for (const int shared : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, held_}) ::close(shared);
    char nothing = 0;
    while (::read(ends[0], &nothing, 1) < 0 && errno == EINTR) {
    }
    remove();
    ::_exit(0);
  }

  std::string path_;
  pid_t heir_ = -1;
  int held_ = -1;
};

class Spinner {
 public:
  explicit Spinner(bool wanted) {
    if (!wanted) return;
    child_ = ::fork();
    if (child_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (volatile std::uint64_t turns = 0;;) turns = turns + 1;
  }
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;
  ~Spinner() {
    if (child_ > 0) ::kill(child_, SIGKILL);
  }

 private:
  pid_t child_ = 0;
};

// The number of runnable threads on the machine, without this one.
int others_running() {
  std::ifstream file("/proc/loadavg");
  std::string word;
  int running = 1;
  for (int i = 0; i < 3; ++i) file >> word;
  file >> running;
  return running - 1;
}

// Ends all children, however the run ends.
struct ChildrenEnd {
  ~ChildrenEnd() { end_children(); }
};

double median(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class Race {
 public:
  explicit Race(const RacePlan& plan) : plan_(plan), spinner_(plan.spinner) {
    place_.ranks = plan.ranks;
    place_.processors = usable_processors();
    place_.crowded = plan.ranks > place_.processors;
    place_.programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    place_.peal = plan.peal.empty() ? place_.programs + "/../peal" : plan.peal;
    place_.folder = folder_.path();
    result_.field = choose_field(place_, plan.wanted);
  }

  RaceResult run() {
    try {
      start();
      rounds();
    } catch (const Interrupted&) {
      result_.interrupted = true;
    }
    sets_.clear();
    return std::move(result_);
  }

 private:
  void start() {
    Setup setup{.ns_per_tick = ns_per_tick(), .crowded = place_.crowded ? 1u : 0u};
    for (const std::uint64_t size : plan_.sizes) {
      for (const Operation operation : plan_.operations) {
        setup.max_floats =
            std::max(setup.max_floats, plan_.size_bytes(operation, size) / sizeof(float));
      }
    }
    const Listener listener(place_.socket());
    sets_.resize(result_.field.sets.size());
    for (const Contestant& contestant : result_.field.contestants) {
      std::unique_ptr<RankSet>& set = sets_[contestant.set];
      if (set || failed_[contestant.set]) continue;
      const SetSpec& spec = result_.field.sets[contestant.set];
      fmt::print(stderr, "starting {}\n", spec.name);
      try {
        set = std::make_unique<RankSet>(spec, static_cast<std::uint32_t>(contestant.set), place_,
                                        setup, listener);
      } catch (const SetFailed& error) {
        give_up(contestant.set, error.what());
      }
    }
  }

  void rounds() {
    begin_ = Clock::now();
    const auto passed = [this] {
      return std::chrono::duration<double>(Clock::now() - begin_).count();
    };
    double longest = 0, told = -1;
    for (round_ = 0; !plan_.rounds || round_ < *plan_.rounds; ++round_) {
      const double before = passed();
      const bool late = before + longest > static_cast<double>(plan_.seconds);
      if (round_ > 0 && !plan_.rounds && late) return;
      if (before > told + 1) {
        told = before;
        fmt::print(stderr, "round {}, after {:.0f} s, of {}\n", round_ + 1, before,
                   plan_.rounds ? fmt::format("{} rounds", *plan_.rounds)
                                : fmt::format("{} s", plan_.seconds));
      }
      round();
      const bool anybody =
          std::any_of(sets_.begin(), sets_.end(), [](const auto& set) { return set != nullptr; });
      if (!anybody) throw UsageError("no contestant is left; what each says is above");
      longest = std::max(round_ > 1 ? longest : 0, passed() - before);
      result_.rounds = round_ + 1;
    }
  }

  void round() {
    for (const Operation operation : plan_.operations) {
      for (std::size_t size = 0; size < plan_.sizes.size(); ++size) {
        for (const Regime regime : plan_.regimes) {
          if (plan_.has(regime, plan_.sizes[size])) turns({}, operation, size, regime);
        }
      }
    }
  }

  // One batch of each contestant. The first one rotates from round to round.
  void turns(Record record, Operation operation, std::size_t size, Regime regime) {
    record.operation = operation;
    record.size = size;
    record.regime = regime;
    record.round = round_;
    const std::size_t all = result_.field.contestants.size();
    for (std::size_t turn = 0; turn < all; ++turn) {
      record.contestant = (turn + round_) % all;
      const Contestant& contestant = result_.field.contestants[record.contestant];
      if (!sets_[contestant.set] || !contestant.does(operation) || rests(record)) continue;
      try {
        measure(record);
      } catch (const SetFailed& error) {
        sets_[contestant.set].reset();
        give_up(contestant.set, error.what());
      }
    }
  }

  void measure(Record record) {
    const Contestant& contestant = result_.field.contestants[record.contestant];
    const std::uint64_t size = plan_.sizes[record.size];
    const std::uint64_t bytes = plan_.size_bytes(record.operation, size);
    const bool touched = record.regime == Regime::touched;
    const std::uint64_t together =
        2 * bytes * static_cast<std::uint64_t>(plan_.ranks) * result_.field.contestants.size();
    Command command{.action = Action::measure,
                    .operation = record.operation,
                    .regime = record.regime,
                    .variant = contestant.variant,
                    .count = plan_.count(record.operation, size),
                    .limit_ns = batch_limit_ns,
                    .seed = round_,
                    .release = together > kept_bytes ? 1u : 0u};
    // The numbers of calls depend on the size alone, so that they are the same for all contestants.
    command.calls = touched ? std::clamp<std::uint64_t>((1u << 24) / bytes, 2, 400)
                            : std::clamp<std::uint64_t>((1u << 26) / bytes, 2, 2000);
    command.warm_up = std::clamp<std::uint64_t>((1u << 20) / bytes, 1, 20);
    record.quiet = wait_for_quiet(begin_patience);
    const Batch batch = sets_[contestant.set]->measure(command);
    record.quiet = record.quiet && wait_for_quiet(end_patience);
    record.line_before_ns = batch.line_before_ns;
    record.line_after_ns = batch.line_after_ns;
    record.wrong = batch.wrong;
    for (std::size_t call = 0; call < batch.times_ns.front().size(); ++call) {
      record.times_ns.push_back(static_cast<float>(time_ns(batch, call, contestant.kind)));
    }
    note_best(record);
    result_.records.push_back(std::move(record));
  }

  // Returns true if all other work pauses, now or within `patience`.
  bool wait_for_quiet(std::chrono::milliseconds patience) {
    const int own = plan_.spinner ? 1 : 0;
    const Clock::time_point begin = Clock::now();
    const bool patient = waited_ * patience_share < begin - begin_;
    bool quiet = false;
    Clock::time_point now = begin;
    for (;; now = Clock::now()) {
      quiet = others_running() <= own;
      if (quiet || !patient || now > begin + patience) break;
      ::usleep(500);
    }
    waited_ += now - begin;
    return quiet;
  }

  // The time of one call, from the times of all ranks; see Record.
  [[nodiscard]] double time_ns(const Batch& batch, std::size_t call, Kind kind) const {
    double sum = 0, slowest = 0;
    for (const std::vector<double>& of_rank : batch.times_ns) {
      sum += of_rank.at(call);
      slowest = std::max(slowest, of_rank.at(call));
    }
    if (kind == Kind::limit) return std::max(slowest, sum / place_.processors);
    return sum / plan_.ranks;
  }

  using Cell = std::tuple<Operation, std::size_t, Regime>;

  void note_best(const Record& record) {
    const Contestant& contestant = result_.field.contestants[record.contestant];
    const double time = median(record.times_ns);
    const Cell cell{record.operation, record.size, record.regime};
    const auto lower = [time](double& best) { best = best == 0 ? time : std::min(best, time); };
    lower(best_[cell][record.contestant]);
    lower(best_of_kind_[{contestant.kind, cell}]);
  }

  bool rests(const Record& record) {
    const Contestant& contestant = result_.field.contestants[record.contestant];
    if (round_ == 0) return false;
    const Cell cell{record.operation, record.size, record.regime};
    return round_ % rare_rounds != 0 &&
           best_[cell][record.contestant] > hopeless * best_of_kind_[{contestant.kind, cell}];
  }

  void give_up(std::size_t set, const std::string& why) {
    failed_[set] = true;
    result_.failures.push_back(why);
    fmt::print(stderr, "bench_peers: {}\n", why);
  }

  const RacePlan& plan_;
  ChildrenEnd children_end_;
  Folder folder_;
  Spinner spinner_;
  Location place_;
  RaceResult result_;
  std::vector<std::unique_ptr<RankSet>> sets_;
  std::map<std::size_t, bool> failed_;
  std::map<Cell, std::map<std::size_t, double>> best_;
  std::map<std::pair<Kind, Cell>, double> best_of_kind_;
  std::uint64_t round_ = 0;
  Clock::time_point begin_;
  Clock::duration waited_{};  // total time spent in wait_for_quiet()
};

}  // namespace

std::uint64_t RacePlan::count(Operation operation, std::uint64_t size) const {
  const Blocks blocks = blocks_of(operation, ranks);
  return std::max<std::uint64_t>(1, size / std::max(blocks.send, blocks.recv) / sizeof(float));
}

std::uint64_t RacePlan::size_bytes(Operation operation, std::uint64_t size) const {
  const Blocks blocks = blocks_of(operation, ranks);
  return count(operation, size) * std::max(blocks.send, blocks.recv) * sizeof(float);
}

RaceResult race(const RacePlan& plan) {
  prepare_signals();
  return Race(plan).run();
}

}  // namespace peal::peers
