// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/toml_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

#include "peal/base/error.h"

namespace peal {
namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 24;

// Reads a regular file or a pipe, up to a limit.
class Reader {
 public:
  Reader(const std::string& what, const std::string& path) : what_(what), path_(path) {
    // Nobody may ever write to a pipe that is opened by its name; one that somebody writes to has
    // its writer by now.
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file_ < 0) refuse(std::strerror(errno));
    struct stat status = {};
    if (::fstat(file_, &status) != 0) refuse(std::strerror(errno));
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) refuse("it is no file");
    ::fcntl(file_, F_SETFL, O_RDONLY);
  }
  ~Reader() { close(); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  std::string read() {
    std::string text;
    std::array<char, 65536> buffer;
    for (;;) {
      const ssize_t got = ::read(file_, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) refuse(std::strerror(errno));
      if (got == 0) return text;
      text.append(buffer.data(), static_cast<std::size_t>(got));
      if (text.size() > most_bytes) refuse("it is longer than 16 MiB");
    }
  }

  [[noreturn]] void refuse(const std::string& why) {
    close();
    throw Error(fmt::format("{} `{}` cannot be read: {}; name an existing file of valid TOML",
                            what_, path_, why));
  }

 private:
  void close() {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
  }

  const std::string& what_;
  const std::string& path_;
  int file_ = -1;
};

}  // namespace

toml::table read_toml_file(const std::string& what, const std::string& path) {
  Reader reader(what, path);
  try {
    return toml::parse(reader.read(), path);
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << error.source().begin;
    reader.refuse(fmt::format("{} ({})", error.description(), where.str()));
  }
}

}  // namespace peal
