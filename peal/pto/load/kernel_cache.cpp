// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/load/kernel_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "peal/base/cache_folder.h"
#include "peal/base/error.h"
#include "peal/base/random.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view build_prefix = "build-";
constexpr std::string_view seal_magic = "\npeal object ";  // then 16 digits

bool is_hash(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// True for `<hash>.manifest`, `<hash>-<hash>.so`, `<hash>-<hash>.o`, and
// `<hash>.<process>.<ending>`, the temporary files that interrupted compilations of earlier
// versions have left.
bool is_entry(const fs::path& path) {
  const std::string name = path.filename();
  if (name.size() < 18 || !is_hash(std::string_view(name).substr(0, 16))) return false;
  const std::string_view rest = std::string_view(name).substr(16);
  if (rest == ".manifest") return true;
  if (rest.front() == '-') {
    const std::string_view ending = rest.substr(std::min<std::size_t>(17, rest.size()));
    return is_hash(rest.substr(1, 16)) && (ending == ".so" || ending == ".o");
  }
  const std::size_t digits = rest.find_first_not_of("0123456789", 1);
  return rest.front() == '.' && digits != rest.npos && digits > 1 && rest[digits] == '.';
}

bool is_build_folder(const fs::path& path) {
  const std::string name = path.filename();
  return name.starts_with(build_prefix) && name.size() == build_prefix.size() + 6;
}

struct Entry {
  fs::path path;
  fs::file_time_type used;
  std::uintmax_t size_bytes = 0;
};

// Removes an entry or build folder unless a process uses it; returns whether it did. Why no user
// loses its entry:
//  1. A user holds the shared lock (CacheLock) from before it checks the entry until it has
//     unloaded the object, so LOCK_EX | LOCK_NB fails meanwhile.
//  2. A user that opens the entry while this function holds the exclusive lock blocks in flock().
//     Afterwards it sees a link count of 0 and takes the entry as missing.
//  3. A user that opens it later finds no file, and compiles.
bool remove_unused(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return false;
  std::error_code failed;
  const bool removed =
      ::flock(file, LOCK_EX | LOCK_NB) == 0 && fs::remove_all(path, failed) > 0 && !failed;
  ::close(file);
  return removed;
}

// All entries except `kept`, least recently used first. Removes build folders that no process
// holds.
std::vector<Entry> entries_of(const fs::path& folder, const fs::path& kept) {
  std::vector<Entry> entries;
  std::error_code failed;
  for (fs::directory_iterator file(folder, failed), end; !failed && file != end;
       file.increment(failed)) {
    std::error_code gone;  // set if another process has removed the file
    if (file->is_directory(gone) && is_build_folder(file->path())) remove_unused(file->path());
    if (!file->is_regular_file(gone) || file->path() == kept || !is_entry(file->path())) continue;
    Entry entry{file->path(), file->last_write_time(gone), 0};
    if (!gone) entry.size_bytes = file->file_size(gone);
    if (!gone) entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.used < b.used; });
  return entries;
}

[[noreturn]] void refuse_to_write(const fs::path& cache, int code) {
  const bool is_full = code == ENOSPC || code == EDQUOT;
  throw UsageError(fmt::format("cache folder `{}` {}: {}; {}, or set PEAL_CACHE_DIR to another",
                               cache.string(), is_full ? "is full" : "cannot be written",
                               std::strerror(code),
                               is_full ? "free some space" : "make it writable"));
}

}  // namespace

std::optional<CacheLock> CacheLock::of(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return std::nullopt;
  CacheLock lock(file);
  while (::flock(file, LOCK_SH) != 0 && errno == EINTR) {
  }
  struct stat status = {};
  if (::fstat(file, &status) != 0 || status.st_nlink == 0) return std::nullopt;
  return lock;
}

CacheLock::~CacheLock() {
  if (file_ >= 0) ::close(file_);
}

BuildFolder::BuildFolder(const fs::path& cache) : cache_(cache) {
  while (!lock_) {
    std::string name = (cache / build_prefix).string() + "XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) refuse_to_write(cache, errno);
    path_ = name;
    lock_ = CacheLock::of(path_);  // nothing if another process cleaned it away before the lock
  }
}

BuildFolder::~BuildFolder() {
  std::error_code failed;
  fs::remove_all(path_, failed);
}

void BuildFolder::check_writable() const {
  const fs::path probe = file("probe");
  const int descriptor = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) refuse_to_write(cache_, errno);
  const std::string page(65536, 'x');
  const ssize_t written = ::write(descriptor, page.data(), page.size());
  const int code = written < 0 ? errno : ENOSPC;
  ::close(descriptor);
  ::unlink(probe.c_str());
  if (written != static_cast<ssize_t>(page.size())) refuse_to_write(cache_, code);
}

void BuildFolder::publish(const char* name, const fs::path& to) const {
  const fs::path from = file(name);
  if (::chmod(from.c_str(), S_IRUSR | S_IWUSR) == 0 && ::rename(from.c_str(), to.c_str()) == 0) {
    return;
  }
  refuse_to_write(cache_, errno);
}

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
    if (remove_unused(entry.path)) total -= entry.size_bytes;
  }
}

// Consumes 16 bytes per step and folds a 128-bit product, as in wyhash (Wang Yi 2019).
std::string content_hash(std::string_view text) {
  constexpr std::uint64_t odd[] = {0xa0761d6478bd642fULL, 0xe7037ed1a0b428dbULL};
  std::uint64_t hash = Random::mix(text.size() + 1);
  while (!text.empty()) {
    std::uint64_t words[2] = {};
    const std::size_t size = std::min(text.size(), sizeof(words));
    std::memcpy(words, text.data(), size);
    const auto product = static_cast<unsigned __int128>(words[0] ^ odd[0] ^ hash) *
                         (words[1] ^ odd[1] ^ (hash << 32 | hash >> 32));
    hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    text.remove_prefix(size);
  }
  return fmt::format("{:016x}", Random::mix(hash));
}

std::optional<std::string> file_contents(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return std::nullopt;
  struct stat status = {};
  std::optional<std::string> text;
  if (::fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
    text.emplace(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t length = 0;
    for (ssize_t got = 1; got > 0 && length < text->size();
         length += static_cast<std::size_t>(got)) {
      got = ::read(file, text->data() + length, text->size() - length);
      if (got < 0) break;
    }
    text->resize(length);
  }
  ::close(file);
  return text;
}

void seal_object(const fs::path& object) {
  const std::string hash = content_hash(file_contents(object).value_or(""));
  std::ofstream(object, std::ios::binary | std::ios::app) << seal_magic << hash;
}

bool is_sealed(const fs::path& object) {
  if (!distrust_of_file(object).empty()) return false;
  const std::optional<std::string> text = file_contents(object);
  constexpr std::size_t seal_bytes = seal_magic.size() + 16;
  if (!text || text->size() <= seal_bytes) return false;
  const std::string_view held(text->data(), text->size() - seal_bytes);
  const std::string_view seal = std::string_view(*text).substr(held.size());
  return seal.starts_with(seal_magic) && seal.substr(seal_magic.size()) == content_hash(held);
}

}  // namespace peal
