// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/memory/arena.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>

#include "peal/base/error.h"

namespace peal {
namespace {

std::ptrdiff_t open_files() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

// Why the file cannot be attached to. attach() has to close it then, and to give back the memory.
std::string refusal_to_attach(int file) {
  const std::ptrdiff_t before = open_files();
  try {
    static_cast<void>(ShmArena::attach(::dup(file)));
  } catch (const UsageError& error) {
    EXPECT_EQ(open_files(), before);
    return error.what();
  }
  return "none";
}

// The same for an arena of 3 ranks that `change` was made to.
std::string refusal_after(const std::function<void(const ShmArena&)>& change) {
  const ShmArena arena = ShmArena::make(3);
  change(arena);
  return refusal_to_attach(arena.file());
}

constexpr const char* no_team =
    "shm: the open file that was passed on is no team's memory; start the program with `peal "
    "launch`";

TEST(Arena, IsTheSameMemoryWhereItIsAttachedTo) {
  const ShmArena made = ShmArena::make(3);
  const ShmArena attached = ShmArena::attach(::dup(made.file()));
  EXPECT_EQ(attached.ranks(), 3);
  EXPECT_EQ(attached.part_bytes(), made.part_bytes());
  EXPECT_NE(attached.part(0), made.part(0));
  for (int rank = 0; rank < 3; ++rank) {
    made.part(rank)[100] = std::byte(7 + rank);
    EXPECT_EQ(attached.part(rank)[100], std::byte(7 + rank)) << rank;
    EXPECT_EQ(attached.part(rank) - attached.part(0), made.part(rank) - made.part(0));
  }
  attached.rank(2).state.store(RankState::finished);
  EXPECT_EQ(made.rank(2).state.load(), RankState::finished);
  EXPECT_EQ(&attached.cell_at(made.place_of(made.control().start)), &attached.control().start);
}

TEST(Arena, OfAnotherVersionIsRefusedWithBothVersions) {
  const std::uint32_t own = ShmArena::make(1).control().magic & 0xff;
  for (const std::uint32_t other : {own - 1, own + 1}) {
    EXPECT_EQ(
        refusal_after([&](const ShmArena& arena) { arena.control().magic += other - own; }),
        fmt::format("shm: the open file that was passed on is a team's memory of version {}, and "
                    "this program has version {}; start it with `peal launch` of the same "
                    "installation",
                    other, own));
  }
}

TEST(Arena, OfAnotherSizeIsRefusedWithBothSizes) {
  const auto sizes = [](const ShmArena& arena, int ranks, std::size_t held, std::size_t expected) {
    EXPECT_EQ(refusal_to_attach(arena.file()),
              fmt::format("shm: the open file that was passed on has {} bytes, and the memory of "
                          "its team of {} ranks has {}; start the program with `peal launch`",
                          held, ranks, expected));
  };
  const ShmArena arena = ShmArena::make(3);
  struct stat status = {};
  ASSERT_EQ(::fstat(arena.file(), &status), 0);
  const auto whole = static_cast<std::size_t>(status.st_size);
  for (const std::size_t other : {whole - 1, whole - arena.part_bytes(), whole + 4096}) {
    ASSERT_EQ(::ftruncate(arena.file(), static_cast<off_t>(other)), 0);
    sizes(arena, 3, other, whole);
  }
  ASSERT_EQ(::ftruncate(arena.file(), static_cast<off_t>(whole)), 0);
  EXPECT_EQ(refusal_to_attach(arena.file()), "none");
  arena.control().ranks = 2;
  sizes(arena, 2, whole, whole - arena.part_bytes());
}

TEST(Arena, AFileThatIsNoneIsRefused) {
  EXPECT_EQ(refusal_to_attach(-1), no_team);
  const int file = ::memfd_create("test", 0);
  ASSERT_GE(file, 0);
  for (const std::size_t size : {std::size_t{0}, sizeof(ShmControl) - 1, std::size_t{1} << 22}) {
    ASSERT_EQ(::ftruncate(file, static_cast<off_t>(size)), 0);
    EXPECT_EQ(refusal_to_attach(file), no_team) << size;
  }
  ::close(file);
  EXPECT_EQ(refusal_after([](const ShmArena& arena) { arena.control().magic = 0x12345678; }),
            no_team);
}

}  // namespace
}  // namespace peal
