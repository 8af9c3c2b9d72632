// SPDX-License-Identifier: Apache-2.0
// What the system allows: how much of it a rank's part takes, and what is said where that is too
// little, or refused.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/executors/shm/memory/arena.h"
#include "peal/executors/shm/memory/pages.h"
#include "peal/executors/shm/memory/part_size.h"
#include "peal/launch/launch.h"
#include "tests/support/group_folder.h"
#include "tests/support/program.h"

namespace peal {
namespace {

constexpr std::size_t mebi = std::size_t{1} << 20, gibi = std::size_t{1} << 30;

std::string size_refusal(int ranks, const MemoryLimits& limits,
                         std::optional<std::size_t> wanted = std::nullopt) {
  try {
    static_cast<void>(part_size(ranks, 2 * mebi, limits, wanted));
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(ShmLimits, APartIsTheUsualOneWhereNothingBoundsIt) {
  const PartSize two = part_size(2, 2 * mebi, {}, std::nullopt);
  EXPECT_EQ(two.bytes, 64 * gibi - 74 * mebi);
  EXPECT_EQ(two.limit, PartLimit::none);
  EXPECT_EQ(part_size(4096, 2 * mebi, {}, std::nullopt).bytes, 4 * gibi - 74 * mebi);
}

TEST(ShmLimits, AllPartsTogetherFitEveryLimit) {
  for (int ranks : {1, 2, 3, 8, 64, 1000}) {
    for (std::size_t limit = std::size_t{16} << 30; limit > 20 * mebi; limit = limit * 3 / 4) {
      const MemoryLimits limits[] = {
          {.address_space = limit}, {.file_size = limit}, {.group_memory = limit}};
      for (const MemoryLimits& one : limits) {
        const std::string refusal = size_refusal(ranks, one);
        const std::size_t head = 2 * mebi, count = static_cast<std::size_t>(ranks);
        if (refusal != "none") {
          EXPECT_LT((limit - head - huge_page_bytes) / count, 12 * mebi) << refusal;
          continue;
        }
        const PartSize part = part_size(ranks, head, one, std::nullopt);
        EXPECT_LE(head + count * part.bytes + huge_page_bytes, limit);
        EXPECT_NE(part.limit, PartLimit::none);
        EXPECT_EQ(part.bytes % huge_page_bytes, 0u);
        // The same place in two parts differs in the bits 12 to 27 of its address.
        EXPECT_NE(part.bytes % (256 * mebi), 0u);
      }
    }
  }
}

TEST(ShmLimits, WhatIsNeededAndWhatSetsItIsTold) {
  EXPECT_EQ(size_refusal(4, {.address_space = 20 * mebi}),
            fmt::format("shm: 4 ranks need {} bytes for memory that they share, and {} are to be "
                        "had, half of what is left; raise `ulimit -v` (RLIMIT_AS), or use fewer "
                        "ranks",
                        36 * mebi, 20 * mebi));
  EXPECT_NE(size_refusal(4, {.file_size = 1}).find("raise `ulimit -f` (RLIMIT_FSIZE)"),
            std::string::npos);
  EXPECT_NE(size_refusal(4, {.group_memory = mebi}).find("memory.max"), std::string::npos);
  EXPECT_NE(size_refusal(2, {.file_size = gibi}, gibi).find("or set PEAL_SHM_BYTES lower"),
            std::string::npos);
  // What is wanted need not be used.
  EXPECT_EQ(part_size(2, 2 * mebi, {.group_memory = 64 * mebi}, gibi).bytes, gibi);
}

TEST(ShmLimits, TheVariableIsANumberOfBytes) {
  const auto with = [](const char* text) {
    ::setenv("PEAL_SHM_BYTES", text, 1);
    std::string result;
    try {
      result = std::to_string(wanted_part_bytes().value_or(0));
    } catch (const Error& error) {
      result = error.what();
    }
    ::unsetenv("PEAL_SHM_BYTES");
    return result;
  };
  EXPECT_EQ(with("64M"), std::to_string(64 * mebi));
  EXPECT_EQ(with("1G"), std::to_string(gibi));
  EXPECT_EQ(with("10000000"), "10000000");
  EXPECT_EQ(with("16384K"), std::to_string(16 * mebi));
  EXPECT_EQ(with(""), "0");
  EXPECT_FALSE(wanted_part_bytes().has_value());
  for (const char* wrong : {"1", "-1", "12X", "M", "1e9", " 64M", "64 M", "99999999999999999999",
                            "18446744073709551615G", "65G"}) {
    EXPECT_TRUE(with(wrong).starts_with(fmt::format("PEAL_SHM_BYTES is `{}`; give ", wrong)))
        << with(wrong);
  }
}

TEST(ShmLimits, AWindowThatDoesNotFitSaysWhatBoundsIt) {
  ::setenv("PEAL_SHM_BYTES", "64M", 1);
  std::string text;
  try {
    open_executor("shm")->run(
        2, [](Team& team) { static_cast<void>(team.allocate(100 * mebi, DType::u8)); }, {});
  } catch (const Error& error) {
    text = error.what();
  }
  // The collectives get along with little.
  const auto sum_up = [](Team& team) {
    std::vector<float> mine(3'000'000, 1), sum(mine.size());
    for (int call = 0; call < 3; ++call) all_reduce(team, {.send = mine, .recv = sum});
    if (sum.back() != 2) throw UsageError("a wrong sum");
  };
  EXPECT_NO_THROW(open_executor("shm")->run(2, sum_up, {}));
  ::unsetenv("PEAL_SHM_BYTES");
  EXPECT_NE(text.find("use fewer ranks or smaller buffers, or raise PEAL_SHM_BYTES"),
            std::string::npos)
      << text;
}

TEST(ShmLimits, AFileLimitIsKeptTo) {
  EXPECT_EQ(code_of_child([] {
              const rlimit limit{.rlim_cur = 300 * mebi, .rlim_max = 300 * mebi};
              ::setrlimit(RLIMIT_FSIZE, &limit);
              const ShmArena arena = ShmArena::make(3);
              return 3 * arena.part_bytes() <= 300 * mebi && arena.part_bytes() > 90 * mebi ? 7 : 1;
            }),
            7);
}

class MemoryGroups : public GroupFolder {
 public:
  [[nodiscard]] std::size_t limit(const std::string& groups) const {
    return read(group_memory, groups);
  }
};

TEST(ShmLimits, MemoryOfGroupsOfVersion2) {
  const MemoryGroups groups;
  EXPECT_EQ(groups.limit("0::/\n"), MemoryLimits::unlimited);
  groups.write("memory.max", "max\n");
  EXPECT_EQ(groups.limit("0::/\n"), MemoryLimits::unlimited);
  groups.write("slice/memory.max", "1000000\n");
  groups.write("slice/inner/memory.max", "4000000\n");
  EXPECT_EQ(groups.limit("0::/slice/inner\n"), 1'000'000u);
  EXPECT_EQ(groups.limit("0::/no/such\n"), MemoryLimits::unlimited);
}

TEST(ShmLimits, MemoryOfGroupsOfVersion1) {
  const MemoryGroups groups;
  groups.write("memory/box/memory.limit_in_bytes", "7000000\n");
  groups.write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(groups.limit("5:cpu,cpuacct:/box\n9:memory:/box\n"), 7'000'000u);
  EXPECT_EQ(groups.limit("9:memory:/\n"), MemoryLimits::unlimited);
}

// As containers do: the call fails with that error.
bool forbid(unsigned call, unsigned error) {
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = std::size(steps), .filter = steps};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// What is said of it by a child in which the call is refused; 2 where it cannot be.
int code_of_refusal(unsigned call, unsigned error, const std::string& expected) {
  return code_of_child([&] {
    if (!forbid(call, error)) return 2;
    try {
      open_executor("shm")->run(2, [](Team& team) { peal::barrier(team); }, {});
    } catch (const Error& refusal) {
      return std::string(refusal.what()).find(expected) != std::string::npos ? 7 : 1;
    }
    return 0;
  });
}

TEST(ShmLimits, RefusedCallsAreNotTakenForLimits) {
  const int code = code_of_refusal(
      SYS_memfd_create, EPERM,
      "the system refuses memfd_create(2): Operation not permitted; allow it, as in the seccomp");
  if (code == 2) GTEST_SKIP() << "no filters of system calls here";
  EXPECT_EQ(code, 7);
  EXPECT_EQ(code_of_refusal(SYS_memfd_create, ENOSYS,
                            "refuses memfd_create(2): Function not implemented; allow it"),
            7);
  EXPECT_EQ(
      code_of_refusal(SYS_pidfd_open, EPERM, "refuses pidfd_open(2): Operation not permitted"), 7);
  EXPECT_EQ(code_of_refusal(SYS_memfd_create, EMFILE, "raise the limit of `ulimit -n`"), 7);
  // Without it ranks notify by additions alone.
  EXPECT_EQ(code_of_refusal(SYS_membarrier, EPERM, "never said"), 0);
}

}  // namespace
}  // namespace peal
