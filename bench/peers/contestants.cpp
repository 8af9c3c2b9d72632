// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/contestants.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "bench/peers/gloo_variant.h"
#include "bench/peers/rank_limit.h"
#include "bench/peers/rank_peal.h"
#include "peal/base/error.h"

namespace peal::peers {
namespace {

using Strings = std::vector<std::string>;

// Makes glibc keep freed memory, and use huge pages. Otherwise an MPI library maps, clears and
// unmaps its temporary buffers in each large reduction.
constexpr const char* keep_memory =
    "GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296:"
    "glibc.malloc.trim_threshold=17179869184:glibc.malloc.mmap_max=0";

class FieldBuilder {
 public:
  explicit FieldBuilder(const Location& place) : place_(place) {}

  // Adds a set. Returns false if the program of its ranks has not been built.
  bool add_set(const std::string& name, const Strings& launcher, const std::string& program,
               const Strings& arguments, const Strings& environment) {
    const std::string path = place_.programs + "/" + program;
    if (!std::filesystem::exists(path)) return false;
    Strings command = launcher;
    command.push_back(path);
    command.insert(command.end(), arguments.begin(), arguments.end());
    field_.sets.push_back({.name = name, .commands = {command}, .environment = environment});
    return true;
  }

  // Starts the ranks of the last set as separate commands, without a launcher; each gets its rank.
  void start_each(const Strings& last_arguments) {
    SetSpec& set = field_.sets.back();
    const Strings first = set.commands.front();
    set.commands.clear();
    for (int rank = 0; rank < place_.ranks; ++rank) {
      Strings command = first;
      command.push_back(std::to_string(rank));
      command.push_back(std::to_string(place_.ranks));
      command.insert(command.end(), last_arguments.begin(), last_arguments.end());
      set.commands.push_back(command);
    }
  }

  void add(Contestant contestant) {
    contestant.set = field_.sets.size() - 1;
    field_.contestants.push_back(std::move(contestant));
  }

  [[nodiscard]] std::string next_set() const { return std::to_string(field_.sets.size()); }
  [[nodiscard]] Field field() && { return std::move(field_); }
  [[nodiscard]] const Location& place() const { return place_; }

 private:
  const Location& place_;
  Field field_;
};

void add_peal(FieldBuilder& field) {
  const Location& place = field.place();
  field.add_set("peal", {place.peal, "launch", "-n", std::to_string(place.ranks), "--"},
                "bench_peers", {"rank-of-peal", place.socket(), field.next_set()}, {});
  field.add({.name = "peal in windows",
             .kind = Kind::windows,
             .variant = static_cast<std::uint32_t>(PealVariant::windows)});
  field.add({.name = "peal in private memory",
             .kind = Kind::private_memory,
             .variant = static_cast<std::uint32_t>(PealVariant::private_memory)});
}

void add_limit(FieldBuilder& field) {
  field.add_set("limit", {}, "bench_peers",
                {"rank-of-limit", field.place().socket(), field.next_set()}, {});
  field.start_each({});
  for (std::uint32_t variant = 0; variant < limit_names.size(); ++variant) {
    Contestant limit{.name = fmt::format("limit by {}", limit_names[variant]),
                     .kind = Kind::limit,
                     .variant = variant};
    const bool pulls = variant <= static_cast<std::uint32_t>(LimitVariant::pull_streaming);
    if (!pulls) {  // no reduce-scatter: its blocks have one destination, so push equals pull
      limit.operations = {Operation::all_reduce, Operation::all_gather, Operation::all_to_all,
                          Operation::broadcast};
    }
    field.add(limit);
  }
}

void add_open_mpi(FieldBuilder& field, const std::string& name, const Strings& options,
                  const char* pages, const std::vector<Operation>& operations) {
  const Location& place = field.place();
  Strings launcher{"mpirun.openmpi", "-n", std::to_string(place.ranks)};
  if (::geteuid() == 0) launcher.push_back("--allow-run-as-root");
  const bool best = std::string(pages) == "huge";
  if (place.crowded) {
    launcher.insert(launcher.end(),
                    {"--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"});
  } else if (best) {
    launcher.insert(launcher.end(), {"--bind-to", "core"});
  }
  launcher.insert(launcher.end(), options.begin(), options.end());
  if (field.add_set(name, launcher, "rank_openmpi", {place.socket(), field.next_set(), pages},
                    best ? Strings{keep_memory} : Strings{})) {
    field.add({.name = name, .kind = Kind::peer, .operations = operations});
  }
}

void add_mpich(FieldBuilder& field, const std::string& name, const char* pages) {
  const Location& place = field.place();
  Strings launcher{"mpiexec.mpich", "-n", std::to_string(place.ranks)};
  const bool best = std::string(pages) == "huge";
  if (best && !place.crowded) launcher.insert(launcher.end(), {"-bind-to", "core"});
  if (field.add_set(name, launcher, "rank_mpich", {place.socket(), field.next_set(), pages},
                    best ? Strings{keep_memory} : Strings{})) {
    field.add({.name = name, .kind = Kind::peer});
  }
}

void add_gloo(FieldBuilder& field) {
  const Location& place = field.place();
  const std::string rendezvous_place = place.folder + "/gloo";
  if (!field.add_set("gloo", {}, "rank_gloo", {place.socket(), field.next_set()}, {})) return;
  field.start_each({rendezvous_place});
  std::filesystem::create_directory(rendezvous_place);
  for (std::uint32_t variant = 0; variant < gloo_names.size(); ++variant) {
    Contestant gloo{.name = gloo_names[variant], .kind = Kind::peer, .variant = variant};
    gloo.operations = {Operation::all_reduce};
    if (variant == 0) {  // no reduce-scatter: Gloo's gives wrong values from a few MiB on
      gloo.operations = {Operation::all_reduce, Operation::all_gather, Operation::all_to_all,
                         Operation::broadcast};
    }
    field.add(gloo);
  }
}

void add_peers(FieldBuilder& field) {
  add_open_mpi(field, "openmpi", {}, "plain", {});
  add_open_mpi(field, "openmpi huge", {}, "huge", {});
  // By default Open MPI uses UCX only with network cards.
  add_open_mpi(
      field, "openmpi huge ucx",
      {"--mca", "pml", "ucx", "--mca", "pml_ucx_tls", "any", "--mca", "pml_ucx_devices", "any"},
      "huge", {});
  add_open_mpi(field, "openmpi huge ^tuned", {"--mca", "coll", "^tuned"}, "huge", {});
  add_open_mpi(field, "openmpi huge ring",
               {"--mca", "coll_tuned_use_dynamic_rules", "1", "--mca",
                "coll_tuned_allreduce_algorithm", "4"},
               "huge", {Operation::all_reduce});
  add_mpich(field, "mpich", "plain");
  add_mpich(field, "mpich huge", "huge");
  add_gloo(field);
}

}  // namespace

bool Contestant::does(Operation operation) const {
  return operations.empty() ||
         std::find(operations.begin(), operations.end(), operation) != operations.end();
}

Field choose_field(const Location& place, const std::vector<std::string>& wanted) {
  FieldBuilder builder(place);
  add_peal(builder);
  add_limit(builder);
  add_peers(builder);
  Field all = std::move(builder).field();
  const auto fits = [](const Contestant& contestant, const std::string& name) {
    return contestant.name.starts_with(name);
  };
  for (const std::string& name : wanted) {
    if (std::none_of(all.contestants.begin(), all.contestants.end(),
                     [&](const Contestant& contestant) { return fits(contestant, name); })) {
      Strings names;
      for (const Contestant& contestant : all.contestants) names.push_back(contestant.name);
      throw UsageError(
          fmt::format("--contestants `{}` fits none of those that have been built; use "
                      "the beginning of one of: {}",
                      name, fmt::join(names, ", ")));
    }
  }
  if (wanted.empty()) return all;
  std::erase_if(all.contestants, [&](const Contestant& contestant) {
    return std::none_of(wanted.begin(), wanted.end(),
                        [&](const std::string& name) { return fits(contestant, name); });
  });
  return all;
}

}  // namespace peal::peers
