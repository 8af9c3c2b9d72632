// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/kernel_cache.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace peal {
namespace {

namespace fs = std::filesystem;

bool is_hash(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// `<hash>.manifest`, `<hash>-<hash>.so`, or what a compiler that was interrupted has left behind,
// `<hash>.<process>.<ending>`.
bool is_entry(const fs::path& path) {
  const std::string name = path.filename();
  if (name.size() < 18 || !is_hash(std::string_view(name).substr(0, 16))) return false;
  const std::string_view rest = std::string_view(name).substr(16);
  if (rest == ".manifest") return true;
  if (rest.front() == '-') return is_hash(rest.substr(1, 16)) && rest.substr(17) == ".so";
  const std::size_t digits = rest.find_first_not_of("0123456789", 1);
  return rest.front() == '.' && digits != rest.npos && digits > 1 && rest[digits] == '.';
}

struct Entry {
  fs::path path;
  fs::file_time_type used;
  std::uintmax_t size_bytes = 0;
};

// Least recently used first.
std::vector<Entry> entries_of(const fs::path& folder, const fs::path& kept) {
  std::vector<Entry> entries;
  std::error_code failed;
  for (const fs::directory_entry& file : fs::directory_iterator(folder, failed)) {
    if (!file.is_regular_file(failed) || file.path() == kept || !is_entry(file.path())) continue;
    std::error_code gone;  // by another process
    Entry entry{file.path(), file.last_write_time(gone), 0};
    if (!gone) entry.size_bytes = file.file_size(gone);
    if (!gone) entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.used < b.used; });
  return entries;
}

}  // namespace

void touch_cache_entry(const fs::path& entry) {
  std::error_code failed;
  fs::last_write_time(entry, fs::file_time_type::clock::now(), failed);
}

void clean_cache(const fs::path& folder, const fs::path& kept, const CacheLimits& limits) {
  std::error_code failed;
  std::uintmax_t total = fs::file_size(kept, failed);
  if (failed) total = 0;
  const std::vector<Entry> entries = entries_of(folder, kept);
  for (const Entry& entry : entries) total += entry.size_bytes;
  const fs::file_time_type oldest = fs::file_time_type::clock::now() - limits.unused;
  for (const Entry& entry : entries) {
    if (entry.used >= oldest && total <= limits.size_bytes) return;
    if (fs::remove(entry.path, failed)) total -= entry.size_bytes;
  }
}

}  // namespace peal
