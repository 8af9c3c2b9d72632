// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "peal/executors/shm/memory/pages.h"
#include "peal/executors/shm/processors.h"
#include "tests/support/group_folder.h"

namespace peal {
namespace {

class SharedFile {
 public:
  explicit SharedFile(std::size_t size_bytes) : size_bytes_(size_bytes) {
    file_ = ::memfd_create("test", 0);
    EXPECT_GE(file_, 0);
    EXPECT_EQ(::ftruncate(file_, static_cast<off_t>(size_bytes)), 0);
    memory_ = map_shared_file(file_, size_bytes);
  }
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;
  ~SharedFile() {
    if (memory_ != nullptr) ::munmap(memory_, size_bytes_);
    ::close(file_);
  }
  [[nodiscard]] std::byte* memory() const { return memory_; }
  // How many of the pages there the file has.
  [[nodiscard]] std::size_t pages_taken(std::size_t offset, std::size_t size_bytes) const {
    const std::size_t first = offset / 4096, last = (offset + size_bytes + 4095) / 4096;
    std::vector<unsigned char> resident(last - first);
    EXPECT_EQ(::mincore(memory_ + first * 4096, (last - first) * 4096, resident.data()), 0);
    std::size_t count = 0;
    for (unsigned char page : resident) count += page & 1u;
    return count;
  }

 private:
  std::size_t size_bytes_;
  int file_;
  std::byte* memory_ = nullptr;
};

TEST(ShmMemory, PagesAreTakenAndContentsStay) {
  constexpr std::size_t size = 4 * huge_page_bytes;
  struct Part {
    std::size_t offset, size;
  };
  for (const Part& part :
       {Part{0, 0}, Part{100, 1}, Part{4096, 4096}, Part{5000, 10000}, Part{0, huge_page_bytes / 4},
        Part{huge_page_bytes - 64, huge_page_bytes / 2}, Part{64, 3 * huge_page_bytes},
        Part{0, size}}) {
    const SharedFile file(size);
    ASSERT_NE(file.memory(), nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.memory()) % huge_page_bytes, 0u);
    // What peers have written before, in it and beside it.
    for (const std::size_t at : {std::size_t{0}, part.offset + part.size / 2, size - 4}) {
      std::memcpy(file.memory() + at, "peal", 4);
    }
    prefault(file.memory() + part.offset, part.size);
    for (const std::size_t at : {std::size_t{0}, part.offset + part.size / 2, size - 4}) {
      EXPECT_EQ(std::memcmp(file.memory() + at, "peal", 4), 0) << part.offset << " " << part.size;
    }
    if (part.size < 4096) continue;
    EXPECT_EQ(file.pages_taken(part.offset, part.size),
              (part.offset + part.size + 4095) / 4096 - part.offset / 4096);
  }
}

TEST(ShmMemory, AFileThatIsNoneIsRefused) { EXPECT_EQ(map_shared_file(-1, 4096), nullptr); }

class Groups : public GroupFolder {
 public:
  [[nodiscard]] double quota(const std::string& groups) const { return read(group_quota, groups); }
};

TEST(ShmMemory, QuotasOfGroupsOfVersion2) {
  const Groups groups;
  EXPECT_EQ(groups.quota("0::/\n"), 0);
  EXPECT_EQ(groups.quota("0::/no/such\n"), 0);
  groups.write("cpu.max", "max 100000\n");
  EXPECT_EQ(groups.quota("0::/\n"), 0);
  groups.write("slice/cpu.max", "150000 100000\n");
  groups.write("slice/inner/cpu.max", "400000 100000\n");
  groups.write("slice/inner/least/cpu.max", "max 100000\n");
  EXPECT_EQ(groups.quota("0::/\n"), 0);
  EXPECT_EQ(groups.quota("0::/slice\n"), 1.5);
  EXPECT_EQ(groups.quota("0::/slice/inner\n"), 1.5);
  EXPECT_EQ(groups.quota("0::/slice/inner/least\n"), 1.5);
  // The path of the host, where the container sees its own group as the outermost one.
  groups.write("cpu.max", "50000 100000\n");
  EXPECT_EQ(groups.quota("0::/of/the/host\n"), 0.5);
}

TEST(ShmMemory, QuotasOfGroupsOfVersion1) {
  const Groups groups;
  const std::string lines = "5:devices:/\n4:cpu,cpuacct:/docker/a\n3:cpuset:/docker/a\n0::/\n";
  EXPECT_EQ(groups.quota(lines), 0);
  groups.write("cpu,cpuacct/docker/a/cpu.cfs_quota_us", "-1\n");
  groups.write("cpu,cpuacct/docker/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(groups.quota(lines), 0);
  groups.write("cpu,cpuacct/cpu.cfs_quota_us", "200000\n");
  groups.write("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(groups.quota(lines), 2);
  groups.write("cpu,cpuacct/docker/a/cpu.cfs_quota_us", "25000\n");
  EXPECT_EQ(groups.quota(lines), 0.25);
  EXPECT_EQ(groups.quota("3:cpuset:/docker/a\nno group at all\n"), 0);
  groups.write("unified/cpu.max", "10000 100000\n");
  EXPECT_EQ(groups.quota(lines), 0.1);
}

TEST(ShmMemory, AThreadRunsWhereItIsAllowed) {
  const std::optional<ProcessorSet> before = ProcessorSet::allowed();
  ASSERT_TRUE(before && before->first());
  EXPECT_LE(usable_processors(), before->count());
  ProcessorSet others = *before;
  others.remove(*before->first());
  EXPECT_EQ(others.count(), before->count() - 1);
  EXPECT_NE(others.first(), before->first());
  others.remove(1 << 30);  // no machine has it
  EXPECT_EQ(others.count(), before->count() - 1);
  ASSERT_TRUE(before->only(*before->first()).allow());
  EXPECT_EQ(usable_processors(), 1);
  EXPECT_EQ(ProcessorSet::allowed()->first(), before->first());
  ASSERT_TRUE(before->allow());
  EXPECT_EQ(ProcessorSet::allowed()->count(), before->count());
}

TEST(ShmMemory, MoreProcessorsHaveNoLessCache) {
  std::size_t before = 0;
  for (int processors : {1, 2, 3, 16, 1000}) {
    const std::size_t bytes = shared_cache_bytes(processors);
    EXPECT_GT(bytes, 0u);
    EXPECT_GE(bytes, before);
    before = bytes;
  }
}

}  // namespace
}  // namespace peal
